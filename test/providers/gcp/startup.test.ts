import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { renderStartup, type StartupArgs } from "../../../release/startup.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import { machineId } from "../../storage/google.ts";
import {
  type Archive,
  appEnvironment,
  installed,
  releaseArchive,
  runtimeArchive,
  startMachine,
  writeTool,
} from "../../support/startup.ts";
import { type MachineServices, startMachineServices } from "./machine-services.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const functions = await readFile(join(import.meta.dirname, "../../../providers/gcp/startup.sh"), "utf8");
const answer =
  (status: number, body = "") =>
  (response: ServerResponse) =>
    void response.writeHead(status).end(body);

let runtime: Archive;
let release: Archive;

beforeAll(async () => {
  runtime = await runtimeArchive();
  release = await releaseArchive();
});

/** What a machine on Google Cloud renders its script from; `more` are functions beside the cloud's own. */
function startupArgs(bucket: string, more = ""): StartupArgs {
  const place = { BUCKET: bucket };
  return {
    release: { key: release.key, sha256: release.hash },
    runtime: { key: runtime.key, sha512: runtime.hash },
    environment: appEnvironment,
    timeoutSeconds: 20,
    cloud: { functions: functions + more, settings: place, environment: { STORE: "gcs", ...place } },
  };
}

test.skipIf(!installed("shellcheck"))("the script satisfies shellcheck, and leaves room for settings", () => {
  const script = renderStartup(startupArgs("files"));
  expect(execFileSync("shellcheck", ["-"], { input: script, encoding: "utf8" })).toBe("");
  expect(Buffer.byteLength(script)).toBeLessThan(14_500);
});

test("what the app writes goes to the serial port, too", () => {
  const unit = execFileSync("bash", ["-s"], {
    input: renderStartup(startupArgs("files")).replace(/main\n$/, "systemd_unit /bin/app\n"),
    encoding: "utf8",
  });
  expect(unit.split("\n")).toContain("StandardOutput=journal+console");
});

test("keys are encoded as the JSON API wants them", () => {
  const encode = (key: string) =>
    execFileSync("bash", ["-euc", `${functions}\npercent_encode "$1"`, "bash", key], { encoding: "utf8" });
  expect(encode("releases/0a_-.~Z")).toBe("releases%2F0a_-.~Z");
  expect(encode(`a b+c&%25"'é€`)).toBe("a%20b%2Bc%26%2525%22%27%C3%A9%E2%82%AC");
});

describe.skipIf(!isInstalled(serverPackages.gcs))(
  "with a metadata server, and a Cloud Storage that checks tokens",
  () => {
    let google: MachineServices;
    let home: string;

    beforeAll(async () => {
      google = await startMachineServices();
      for (const { key, bytes } of [runtime, release]) await google.put(key, bytes);
    });
    afterAll(() => google?.stop());

    beforeEach(async () => {
      home = await mkdtemp(join(tmpdir(), "home-"));
      google.requests.length = 0;
      google.tokens.length = 0;
      google.tokenSeconds.length = 0;
    });
    afterEach(() => rm(home, { recursive: true }));

    /** Runs a script to where it would start the app. */
    async function run(changes: Partial<StartupArgs> = {}, env: Record<string, string> = {}) {
      const supervise = 'supervise() { log "would run $* as $id"; }\n';
      const script = renderStartup({ ...startupArgs(google.bucket, supervise), ...changes });
      const machine = await startMachine(script, {
        SWITCHYARD_HOME: home,
        SWITCHYARD_METADATA_URL: google.metadataUrl,
        SWITCHYARD_GCS_URL: google.storageUrl,
        DENIED_PAUSE: "0.01",
        ...env,
      });
      return { code: await machine.exited, output: machine.output() };
    }

    const statuses = () => google.requests.map(({ status }) => status());
    const started = expect.stringMatching(
      new RegExp(`would run .*/bin/node .*/server\\.js as ${machineId}\\n$`),
    );
    const encoded = (key: string) => encodeURIComponent(key);

    test("identifies the machine, and fetches runtime and release", async () => {
      expect(await run()).toEqual({ code: 0, output: started });
      const path = (key: string) => `/storage/v1/b/${google.bucket}/o/${encoded(key)}?alt=media`;
      expect(google.requests.map(({ path }) => path)).toEqual([path(runtime.key), path(release.key)]);
      expect(statuses()).toEqual([200, 200]);
      expect(await run()).toEqual({ code: 0, output: started });
      expect(google.requests, "nothing is fetched twice").toHaveLength(2);
    });

    test("asks for another token when one has expired", async () => {
      google.tokenSeconds.push(-1, 3600);
      const { code, output } = await run();
      expect(output).toContain("Cloud Storage answered 401 for runtimes/");
      expect({ code, output }).toEqual({ code: 0, output: started });
    });

    test("asks again, each time with a token of its own, while its rights are not known yet", async () => {
      google.intercept(encoded(runtime.key), ...Array.from({ length: 12 }, () => answer(403)));
      const { code, output } = await run();
      expect(output.match(/answered 403 for runtimes\/.*; it is asked again/g)).toHaveLength(12);
      expect(output).not.toContain("attempt");
      expect({ code, output }).toEqual({ code: 0, output: started });
      expect(new Set(google.tokens).size).toBe(12 + 2);
    });

    test("gives up when its rights are not known in time, and says what it was denied", async () => {
      await google.put("files/private.csv", release.bytes);
      const denied = { release: { key: "files/private.csv", sha256: release.hash } };
      const { code, output } = await run(denied, { DENIED_SECONDS: "0" });
      expect(code).toBe(1);
      expect(output).not.toContain("it is asked again");
      expect(output).toMatch(
        new RegExp(
          `Cloud Storage answered 403 for files/private.csv in bucket ${google.bucket}: .*Permission denied`,
        ),
      );
      expect(output).toContain("fetching release failed 10 times, at last with exit status 1");
    });

    test("tries again when metadata server or Cloud Storage fail, or hang up", async () => {
      google.intercept("instance/id", answer(503));
      google.intercept("default/token", answer(500), answer(200, "{}"));
      google.intercept(
        encoded(runtime.key),
        answer(503, "backend error"),
        (response) => void response.destroy(),
        (response) => {
          response.writeHead(200, { "content-length": 1_000 });
          response.write("cut off", () => response.destroy());
        },
      );
      const { code, output } = await run();
      expect({ code, output }).toEqual({ code: 0, output: started });
      expect(output).toContain("identifying the machine failed (attempt 1, exit status 22)");
      expect(output).toContain("the metadata server gives no token for this machine");
      expect(output).toContain("the metadata server answers without a token");
      expect(output).toContain("Cloud Storage answered 503 for runtimes/");
      expect(output).toContain("backend error");
      expect(output).toContain("curl: (18)");
    });

    test("follows no redirect", async () => {
      google.intercept(encoded(release.key), answer(302));
      const { code, output } = await run();
      expect(output).toContain(`Cloud Storage answered 302 for ${release.key}`);
      expect(code).toBe(0);
    });

    test("refuses an object with another hash", async () => {
      await google.put("releases/other.tar.gz", runtime.bytes);
      const { code, output } = await run({ release: { key: "releases/other.tar.gz", sha256: release.hash } });
      expect(code).toBe(1);
      expect(output).toContain(`wrong hash of releases/other.tar.gz: expected ${release.hash}, got `);
    });

    test("keeps tokens out of arguments and output", async () => {
      const [tools, record] = [join(home, "tools"), join(home, "arguments")];
      for (const tool of ["curl", "head", "sleep", "tar"]) {
        const script = `#!/bin/sh\necho ${tool} "$@" >>'${record}'\nenv >>'${record}'\nPATH=\${PATH#*:} exec ${tool} "$@"\n`;
        await writeTool(tools, tool, script);
      }
      google.intercept(encoded(runtime.key), answer(403), answer(500));
      const { code, output } = await run({}, { PATH: `${tools}:${process.env.PATH}` });
      expect(code).toBe(0);
      const seen = (await readFile(record, "utf8")) + output;
      expect(seen).toContain("curl --disable");
      expect(google.tokens.length).toBeGreaterThan(3);
      for (const secret of google.tokens) expect(seen).not.toContain(secret);
    });
  },
);
