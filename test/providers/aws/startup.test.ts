import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { renderStartup, type StartupArgs } from "../../../release/startup.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import {
  type Archive,
  appEnvironment,
  installed,
  releaseArchive,
  runtimeArchive,
  startMachine,
  writeTool,
} from "../../support/startup.ts";
import { type Imds, type RoleCredentials, startImds } from "./imds.ts";
import { type RoleS3, startRoleS3 } from "./role-s3.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const functions = await readFile(join(import.meta.dirname, "../../../providers/aws/startup.sh"), "utf8");
const bucket = "files-0123456";
const location = { BUCKET: bucket, AWS_REGION: "us-east-1" };
const readable = ["releases/*", "runtimes/*"].map((keys) => `arn:aws:s3:::${bucket}/${keys}`);
const answer = (status: number) => (response: ServerResponse) => void response.writeHead(status).end();

let runtime: Archive;
let release: Archive;

beforeAll(async () => {
  runtime = await runtimeArchive();
  release = await releaseArchive();
});

/** What a machine on AWS renders its script from; `more` are functions beside AWS's own. */
function startupArgs(more = ""): StartupArgs {
  return {
    release: { key: release.key, sha256: release.hash },
    runtime: { key: runtime.key, sha512: runtime.hash },
    environment: appEnvironment,
    timeoutSeconds: 20,
    cloud: { functions: functions + more, settings: location, environment: { STORE: "s3", ...location } },
  };
}

test.skipIf(!installed("shellcheck"))("the script satisfies shellcheck, and leaves room for settings", () => {
  const script = renderStartup(startupArgs());
  expect(execFileSync("shellcheck", ["-"], { input: script, encoding: "utf8" })).toBe("");
  expect(Buffer.byteLength(script)).toBeLessThan(14_500);
});

test("keys are encoded as SigV4 wants them", () => {
  const encode = (key: string) =>
    execFileSync("bash", ["-euc", `${functions}\npercent_encode "$1"`, "bash", key], { encoding: "utf8" });
  expect(encode("releases/0a_-.~Z")).toBe("releases/0a_-.~Z");
  expect(encode(`a b+c&%25"'é€@=;\\`)).toBe("a%20b%2Bc%26%2525%22%27%C3%A9%E2%82%AC%40%3D%3B%5C");
});

test.each(["instance-id", "iam/security-credentials/", "iam/security-credentials/app"])(
  "the stand-in refuses IMDSv1: %s",
  async (path) => {
    const imds = await startImds({ instanceId: "i-1", role: "app", credentials: () => ({}) as never });
    const ask = (headers = {}) => fetch(`${imds.url}/latest/meta-data/${path}`, { headers });
    expect((await ask()).status).toBe(401);
    expect((await ask({ "X-aws-ec2-metadata-token": "made-up" })).status).toBe(401);
    await imds.close();
  },
);

describe.skipIf(!isInstalled(serverPackages.s3))(
  "with IMDSv2, and an S3 that checks sessions and policies",
  () => {
    let s3: RoleS3;
    let imds: Imds;
    let valid: RoleCredentials;
    /** What the metadata service gives out, the first one first; the last one for ever. */
    let given: RoleCredentials[];
    let home: string;

    beforeAll(async () => {
      s3 = await startRoleS3({
        bucket,
        statements: [{ Effect: "Allow", Action: "s3:GetObject", Resource: readable }],
      });
      for (const { key, bytes } of [runtime, release]) await s3.put(key, bytes);
      valid = await s3.credentials();
    });
    afterAll(() => s3.stop());

    beforeEach(async () => {
      given = [valid];
      const credentials = () => (given.length > 1 ? given.shift() : given[0]) ?? valid;
      imds = await startImds({ instanceId: "i-0abc", role: s3.role, credentials });
      home = await mkdtemp(join(tmpdir(), "home-"));
      s3.requests.length = 0;
    });
    afterEach(async () => {
      await imds.close();
      await rm(home, { recursive: true });
    });

    /** Runs a script to where it would start the app. */
    async function run(changes: Partial<StartupArgs> = {}, env: Record<string, string> = {}) {
      const script = renderStartup({ ...startupArgs('supervise() { log "would run $*"; }\n'), ...changes });
      const machine = await startMachine(script, {
        SWITCHYARD_HOME: home,
        SWITCHYARD_IMDS_URL: imds.url,
        SWITCHYARD_S3_URL: s3.url,
        ...env,
      });
      return { code: await machine.exited, output: machine.output() };
    }

    const statuses = () => s3.requests.map(({ status }) => status);
    const started = expect.stringMatching(/would run .*\/bin\/node .*\/server\.js\n$/);

    test("identifies the machine, and fetches runtime and release", async () => {
      expect(await run()).toEqual({ code: 0, output: started });
      expect(s3.requests.map(({ path }) => path)).toEqual([
        `/${bucket}/${runtime.key}`,
        `/${bucket}/${release.key}`,
      ]);
      expect(statuses()).toEqual([200, 200]);
      const signed =
        /^AWS4-HMAC-SHA256 Credential=ASIA[^,]*\/us-east-1\/s3\/aws4_request, *SignedHeaders=([^,]*),/;
      for (const { authorization } of s3.requests) {
        const headers = signed.exec(authorization)?.[1]?.split(";");
        expect(headers).toEqual(expect.arrayContaining(["host", "x-amz-date", "x-amz-security-token"]));
      }
      expect(imds.requests).not.toContain("GET /latest/api/token");
      expect(await run()).toEqual({ code: 0, output: started });
      expect(s3.requests, "nothing is fetched twice").toHaveLength(2);
    });

    test("asks for another token when one has expired", async () => {
      imds.tokenSeconds.push(0, 60, 0);
      const { code, output } = await run();
      expect(output).toContain("identifying the machine failed (attempt 1, exit status 22)");
      expect(output).toContain("fetching runtime failed (attempt 1");
      expect({ code, output }).toEqual({ code: 0, output: started });
    });

    test("asks for credentials again when they have expired", async () => {
      given = [await s3.credentials(-1), valid];
      const { code, output } = await run();
      expect(output).toContain("S3 answered 403 InvalidAccessKeyId for runtimes/"); // AWS: 400 ExpiredToken
      expect({ code, output }).toEqual({ code: 0, output: started });
    });

    test.each([
      ["key", { SecretAccessKey: "another" }, "403 SignatureDoesNotMatch"],
      ["security token", { Token: "another" }, "400 InvalidToken"],
    ])("is refused with a wrong %s, and says so", async (_, wrong, error) => {
      given = [{ ...valid, ...wrong }];
      const { code, output } = await run();
      expect(code).toBe(1);
      expect(output).toContain(
        `S3 answered ${error} for ${runtime.key} in bucket ${bucket}, asked as role app`,
      );
    });

    test("says what it was denied when the role may not read an object", async () => {
      await s3.put("files/private.csv", release.bytes);
      const { code, output } = await run({ release: { key: "files/private.csv", sha256: release.hash } });
      expect(code).toBe(1);
      expect(output).toContain(
        "S3 answered 403 AccessDenied for files/private.csv in bucket files-0123456, asked",
      );
      expect(output).toContain("fetching release failed 10 times, at last with exit status 1");
      expect(output).toMatch(/failed while fetching release, after \d+\.\d s, with exit status 1\n$/);
    });

    test("tries again when metadata service or S3 fail, or hang up", async () => {
      imds.intercept("/latest/api/token", answer(503));
      imds.intercept("/latest/meta-data/iam/security-credentials/app", answer(500));
      s3.intercept(
        answer(503),
        (response) => void response.destroy(),
        (response) => {
          response.writeHead(200, { "content-length": 1_000 });
          response.write("cut off", () => response.destroy());
        },
      );
      const { code, output } = await run();
      expect({ code, output }).toEqual({ code: 0, output: started });
      expect(output).toContain("S3 answered 503 for runtimes/");
      expect(output).toContain("curl: (18)");
    });

    test("follows no redirect to where S3 says the bucket is", async () => {
      s3.intercept((response) => {
        response.writeHead(301).end("<Error><Code>PermanentRedirect</Code></Error>");
      });
      const { code, output } = await run();
      expect(output).toContain(`S3 answered 301 PermanentRedirect for ${runtime.key}`);
      expect(code).toBe(0);
    });

    test("refuses an object with another hash", async () => {
      await s3.put("releases/other.tar.gz", runtime.bytes);
      const { code, output } = await run({ release: { key: "releases/other.tar.gz", sha256: release.hash } });
      expect(code).toBe(1);
      expect(output).toContain(`wrong hash of releases/other.tar.gz: expected ${release.hash}, got `);
    });

    test("signs keys that need encoding", async () => {
      const key = `releases/a b+c&d=%25"é'(1)@~;,!$*:.tar.gz`;
      await s3.put(key, release.bytes);
      expect(await run({ release: { key, sha256: release.hash } })).toEqual({ code: 0, output: started });
    });

    test("says so when the instance has no role, or it gives no credentials", async () => {
      imds.intercept("/latest/meta-data/iam/security-credentials/", answer(404));
      imds.intercept("/latest/meta-data/iam/security-credentials/app", (response) => {
        response.end('{ "Code" : "AssumeRoleUnauthorizedAccess", "Message" : "no trust" }');
      });
      const { code, output } = await run();
      expect(output).toContain("error: the metadata service names no role of this instance\n");
      expect(output).toContain("error: the metadata service has no AccessKeyId for role app\n");
      expect(code).toBe(0);
    });

    test("keeps credentials and tokens out of arguments and output", async () => {
      const [tools, record] = [join(home, "tools"), join(home, "arguments")];
      for (const tool of ["curl", "head", "sed", "tar"]) {
        const script = `#!/bin/sh\necho ${tool} "$@" >>'${record}'\nenv >>'${record}'\nPATH=\${PATH#*:} exec ${tool} "$@"\n`;
        await writeTool(tools, tool, script);
      }
      s3.intercept(answer(403));
      const { code, output } = await run({}, { PATH: `${tools}:${process.env.PATH}` });
      expect(code).toBe(0);
      const seen = (await readFile(record, "utf8")) + output;
      expect(seen).toContain("curl --disable");
      for (const secret of [...imds.tokens, valid.AccessKeyId, valid.SecretAccessKey, valid.Token]) {
        expect(seen).not.toContain(secret);
      }
    });
  },
);
