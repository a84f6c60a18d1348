import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { OperationContext } from "../../../plugin/resource.ts";
import { filesOf, objectsOf } from "../../../providers/openstack/files.ts";
import { s3Bucket } from "../../../providers/openstack/s3-bucket.ts";
import { startupFunctions } from "../../../providers/openstack/startup.ts";
import { renderStartup, type StartupArgs } from "../../../release/startup.ts";
import { openStore } from "../../../service/storage/index.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import { type S3Server, startS3 } from "../../servers/s3.ts";
import { deployedStack } from "../../support/outputs.ts";
import {
  type Archive,
  appEnvironment,
  installed,
  releaseArchive,
  runtimeArchive,
  startMachine,
} from "../../support/startup.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const region = "us-east-1";
const functions = startupFunctions("s3");
let runtime: Archive;
let release: Archive;

beforeAll(async () => {
  runtime = await runtimeArchive();
  release = await releaseArchive();
});

interface Place {
  readonly bucket: string;
  readonly endpoint: string;
  readonly id: string;
  readonly secret: string;
}

/** What a machine renders its script from; it ends where it would start the app. */
function startupArgs({ bucket, endpoint, id, secret }: Place): StartupArgs {
  const place = { BUCKET: bucket, AWS_REGION: region, S3_ENDPOINT: endpoint };
  return {
    release: { key: release.key, sha256: release.hash },
    runtime: { key: runtime.key, sha512: runtime.hash },
    environment: appEnvironment,
    timeoutSeconds: 20,
    cloud: {
      functions: `${functions}\ninstance_id() { echo 5f7d2a3e; }\nsupervise() { log "would run $*"; }\n`,
      settings: place,
      environment: { STORE: "s3", ...place, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret },
    },
  };
}

test.skipIf(!installed("shellcheck"))("the script satisfies shellcheck", () => {
  const place = { bucket: "a", endpoint: "http://127.0.0.1:1", id: "a", secret: "b" };
  const script = renderStartup(startupArgs(place)).replace(/^instance_id\(\) \{ echo .*\n/m, "");
  expect(execFileSync("shellcheck", ["-"], { input: script, encoding: "utf8" })).toBe("");
});

test("asks for an access key of the operator's own, and takes no other cloud's", async () => {
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]) vi.stubEnv(name, "");
  const access = { endpoint: "http://127.0.0.1:1", region };
  await expect(objectsOf({ bucket: "a", access, stack: "lab" })).rejects.toThrow(
    /^No access key for the object store: set AWS_ACCESS_KEY_ID/,
  );
  vi.unstubAllEnvs();
});

describe.skipIf(!isInstalled(serverPackages.s3))("with a server that speaks S3", () => {
  let s3: S3Server;

  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3.stop());
  beforeEach(() => {
    for (const [name, value] of Object.entries(s3.credentials)) vi.stubEnv(name, value);
  });
  afterEach(() => vi.unstubAllEnvs());

  const context: OperationContext = {
    urn: "urn:pulumi:lab::switchyard::switchyard:openstack:S3Bucket::files",
    name: "files",
    signal: AbortSignal.timeout(60_000),
    progress: () => {},
    warn: () => {},
  };
  const inputsOf = (bucket: string, more: object = {}) => ({
    endpoint: s3.endpoint,
    region,
    bucket,
    empty: false,
    ...more,
  });

  test("makes a bucket, again after a kill too, and deletes it with its objects if it may", async () => {
    const inputs = inputsOf("lab-files");
    expect(await s3Bucket.create(inputs, context)).toEqual({ id: "lab-files", outputs: {} });
    expect((await s3Bucket.create(inputs, context)).id).toBe("lab-files");
    const known = { inputs, outputs: { bucket: "lab-files" } };
    expect(await s3Bucket.read?.("lab-files", known, context)).toEqual(known);

    const access = { endpoint: s3.endpoint, region };
    const objects = await objectsOf({ bucket: "lab-files", access, stack: "lab" });
    const folder = await mkdtemp(join(tmpdir(), "objects-"));
    await writeFile(join(folder, "object"), "content");
    await objects.put("releases/a.tar.gz", join(folder, "object"), "sha256:1", context.signal);
    expect(await objects.has("releases/a.tar.gz", "sha256:1", context.signal)).toBe(true);
    await objects.close();
    await rm(folder, { recursive: true });

    await expect(s3Bucket.delete?.("lab-files", inputs, context)).rejects.toThrow(
      `Bucket lab-files at ${s3.endpoint}: it still has objects: deploy switchyard:bucket.empty as true first, or delete its objects`,
    );
    await s3Bucket.delete?.("lab-files", inputsOf("lab-files", { empty: true }), context);
    expect(await s3Bucket.read?.("lab-files", known, context)).toBeUndefined();
    await s3Bucket.delete?.("lab-files", inputs, context);
  });

  test("says what the service says when it refuses", async () => {
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "wrong");
    await expect(s3Bucket.create(inputsOf("lab-files"), context)).rejects.toThrow(
      `Bucket lab-files at ${s3.endpoint}: status 403, SignatureDoesNotMatch`,
    );
  });

  test("finds the files of a stack, and makes links to them", async () => {
    const operator = {
      authUrl: "https://keystone.example.org/v3",
      region: "RegionOne",
      project: "project-1",
      loadBalancer: "edge-1",
      s3Endpoint: s3.endpoint,
      s3Region: region,
    };
    const stack = deployedStack("lab", { bucketName: s3.bucket, operator });
    const store = await openStore(await filesOf(stack));
    const link = await store.presign("a b.txt", {
      expiresSeconds: 60,
      contentDisposition: "attachment",
      signal: context.signal,
    });
    expect(link).toContain(`${s3.endpoint}/${s3.bucket}/files/a%20b.txt?`);
    await store.close();
  });

  describe("a machine", () => {
    let home: string;

    beforeAll(async () => {
      for (const [name, value] of Object.entries(s3.credentials)) vi.stubEnv(name, value);
      const objects = await objectsOf({
        bucket: s3.bucket,
        access: { endpoint: s3.endpoint, region },
        stack: "lab",
      });
      const folder = await mkdtemp(join(tmpdir(), "objects-"));
      for (const { key, bytes, hash } of [runtime, release]) {
        await writeFile(join(folder, "object"), bytes);
        await objects.put(key, join(folder, "object"), `sha:${hash}`, context.signal);
      }
      await objects.close();
      await rm(folder, { recursive: true });
    });
    beforeEach(async () => {
      home = await mkdtemp(join(tmpdir(), "home-"));
    });
    afterEach(() => rm(home, { recursive: true }));

    async function run(changes: Partial<Place> = {}) {
      const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = s3.credentials;
      const place = { bucket: s3.bucket, endpoint: s3.endpoint, id, secret, ...changes };
      const machine = await startMachine(renderStartup(startupArgs(place)), { SWITCHYARD_HOME: home });
      return { code: await machine.exited, output: machine.output() };
    }

    test("fetches runtime and release by its access key", async () => {
      const { code, output } = await run();
      expect({ code, output }).toEqual({
        code: 0,
        output: expect.stringMatching(/would run .*\/bin\/node .*\/server\.js\n$/),
      });
      expect(output).toMatch(/fetched runtime in .+fetched release in /s);
      const stored = new GetObjectCommand({ Bucket: s3.bucket, Key: runtime.key });
      expect((await s3.client.send(stored)).ContentLength).toBe(runtime.bytes.length);
    });

    test.each([
      ["a wrong secret", { secret: 'another"\\secret' }, /answered 403 SignatureDoesNotMatch for runtimes\//],
      ["a bucket that is not there", { bucket: "other" }, /answered 404 NoSuchBucket for .+ in bucket other/],
    ])("says so with %s, and gives up", async (_, wrong, problem) => {
      const { code, output } = await run(wrong);
      expect(code).toBe(1);
      expect(output).toMatch(problem);
      if ("secret" in wrong) expect(output).not.toContain("another");
    });
  });
});
