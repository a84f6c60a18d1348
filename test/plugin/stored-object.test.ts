import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test, vi } from "vitest";
import { keptReleases, removeRelease } from "../../operations/releases.ts";
import { kindsOf } from "../../plugin/kinds.ts";
import { objectsIn } from "../../plugin/object-store.ts";
import type { Properties, ResourceKind } from "../../plugin/resource.ts";
import { storedObject } from "../../plugin/stored-object.ts";
import { clouds } from "../../providers/index.ts";
import { readStoreSettings } from "../../service/storage/settings.ts";
import type { Store } from "../../service/storage/store.ts";
import { storeKinds, type TestStore } from "../storage/stores.ts";
import { operationContext } from "../support/operation-context.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const packages = join(import.meta.dirname, "../../.switchyard/packages");
const npmPackage = `runtime-of-test-${process.pid}`;
const tarball = join(packages, `${npmPackage}-1.0.0.tgz`);
/** More than S3 and Google's client send by one request. */
const bytes = randomBytes(9_000_000);
const content = {
  npmPackage,
  version: "1.0.0",
  integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}`,
};
const { signal } = new AbortController();

beforeAll(async () => {
  // Where the package is once it has been fetched; fetching has tests of its own.
  await mkdir(packages, { recursive: true });
  await writeFile(tarball, bytes);
});

afterAll(() => rm(tarball, { force: true }));

const context = () => operationContext("runtime-linux-x64", signal);

const overStores = storeKinds.filter(({ name }) => name !== "local");

describe.each(overStores)("switchyard:index:StoredObject in $name", ({ installed, open }) => {
  let opened: TestStore;
  let store: Store;
  let kind: ResourceKind;
  let count = 0;

  const next = (): Properties => {
    count += 1;
    return { cloud: "test", bucket: "b", key: `runtimes/node-${count}.tgz`, content };
  };

  async function stored({ key }: Properties): Promise<Buffer> {
    const url = await store.presign(String(key), {
      expiresSeconds: 60,
      contentDisposition: "attachment",
      signal,
    });
    return Buffer.from(await (await fetch(url)).arrayBuffer());
  }

  beforeAll(async () => {
    if (!installed) return;
    opened = await open();
    store = await opened.reopen({}, { prefix: "" });
    const objectsOf = () => objectsIn(readStoreSettings(opened.environment));
    const files = async () => ({ objectsOf, filesOf: () => Promise.reject(new Error("not asked for")) });
    kind = storedObject({ test: { files } });
  });

  afterAll(async () => {
    await store?.close();
    await opened?.stop();
  });

  it.skipIf(!installed)("stores the content byte for byte, once, under its own key", async () => {
    const news = next();
    const first = context();
    expect(await kind.create(news, first)).toEqual({ id: `b/${news.key}`, outputs: {} });
    expect((await stored(news)).equals(bytes)).toBe(true);
    expect(first.lines).toEqual([`fetching ${npmPackage} 1.0.0`, "storing 9.0 MB", "stored 9.0 MB"]);
    const again = context();
    await kind.create(news, again);
    expect(again.lines).toEqual([]);
    expect(await opened.keys()).toContain(news.key);
  });

  it.skipIf(!installed)("sees that it is there, that another content is there, that it is gone", async () => {
    const news = next();
    const state = { inputs: news, outputs: {} };
    const { id } = await kind.create(news, context());
    expect(await kind.read?.(id, state, context())).toEqual(state);
    await store.put(String(news.key), Readable.from([Buffer.from("other")]), {
      contentType: "text/plain",
      signal,
    });
    expect(await kind.read?.(id, state, context())).toBeUndefined();
    await kind.update?.(id, news, news, context());
    expect((await stored(news)).equals(bytes)).toBe(true);
    await kind.delete?.(id, news, context());
    expect(await kind.read?.(id, state, context())).toBeUndefined();
    await kind.delete?.(id, news, context());
  });

  it.skipIf(!installed)(
    "stores a release beside its commit, lists both, and finds it again without the file",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "stored-object-"));
      onTestFinished(() => rm(folder, { recursive: true }));
      const file = join(folder, "r.tar.gz");
      const sha256 = createHash("sha256").update("release").digest("hex");
      await writeFile(file, "release");
      const commit = "0123456789".repeat(4);
      await writeFile(join(folder, "r.commit"), `${commit}-changed`);
      const news: Properties = { ...next(), key: `releases/${sha256}.tar.gz`, content: { file, sha256 } };
      const kept: Properties = { ...news, content: { kept: sha256 } };
      await expect(kind.create(kept, context())).rejects.toThrow(
        "this release is not in the bucket (any more)",
      );
      await kind.create(news, context());
      await kind.create(kept, context());
      await kind.update?.("", kept, news, context());
      const other: Properties = { ...kept, content: { kept: "0".repeat(64) } };
      await expect(kind.create(other, context())).rejects.toThrow(
        "npm run releases lists those that are kept",
      );
      const objects = await objectsIn(readStoreSettings(opened.environment));
      onTestFinished(() => objects.close());
      const listed = await objects.list("releases/", signal);
      expect(listed.map(({ name, size }) => [name, size])).toEqual([
        [`releases/${sha256}.commit-${commit}-changed`, 48],
        [`releases/${sha256}.tar.gz`, 7],
      ]);
      const kepts = await keptReleases(objects, [], new Set(), signal);
      expect(kepts).toMatchObject([{ sha256, size: 7, commit: { sha: commit, isChanged: true }, runs: {} }]);
      await removeRelease(objects, sha256, signal);
      expect(await objects.list("releases/", signal)).toEqual([]);
    },
  );

  it.skipIf(!installed)("stores no damaged file, and says so", async () => {
    const folder = await mkdtemp(join(tmpdir(), "stored-object-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "release.tar.gz");
    await writeFile(file, "damaged");
    const news: Properties = {
      ...next(),
      content: { file, sha256: createHash("sha256").update("good").digest("hex") },
    };
    await expect(kind.create(news, context())).rejects.toThrow(`${file} has the sha256`);
    expect(await opened.keys()).not.toContain(news.key);
    await rm(file);
    await expect(kind.create(news, context())).rejects.toThrow(
      `the file to be stored is missing: ${file}; run the command again`,
    );
  });
});

test("a store that is not installed is none that passed", () => {
  for (const { name, installed } of overStores)
    if (!installed) console.warn(`${name} is not installed: npm run test:servers installs it`);
});

describe("switchyard:index:StoredObject on AWS", () => {
  it("says what S3 refused, where, with which profile, and which rights it takes", async () => {
    const server = createServer((_request, response) => response.writeHead(403).end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close().closeAllConnections());
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    const kind = await kindsOf(clouds)("switchyard:index:StoredObject");
    const store = (access: object) =>
      kind?.create({ cloud: "aws", bucket: "lab-files", key: "runtimes/n.tgz", content, access }, context());
    await expect(store({ region: "eu-west-1" })).rejects.toThrow(
      /^runtimes\/n\.tgz in bucket lab-files \(region eu-west-1\): the store refused while looking at a file: status 403, .+; who deploys needs the right to/,
    );
    vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
    await expect(store({ region: "eu-west-1", profile: "deployer" })).rejects.toThrow(
      /^runtimes\/n\.tgz in bucket lab-files \(region eu-west-1, profile deployer\): the store refused .+: CredentialsProviderError, [^;]+$/,
    );
  });
});

test("switchyard:index:StoredObject on Google Cloud says what was refused, and which rights it takes", async () => {
  const refusal = { error: { code: 403, message: "no storage.objects.get access", errors: [] } };
  const server = createServer((_request, response) => {
    response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify(refusal));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv("STORAGE_EMULATOR_HOST", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const kind = await kindsOf(clouds)("switchyard:index:StoredObject");
  const news = { cloud: "gcp", bucket: "lab-files", key: "runtimes/n.tgz", content };
  await expect(kind?.create(news, context())).rejects.toThrow(
    /^runtimes\/n\.tgz in bucket lab-files: .+: status 403, .*no storage\.objects\.get access.*; who deploys needs the right to/s,
  );
});

test("an object of a cloud that there is no more names both", async () => {
  const kind = await kindsOf(clouds)("switchyard:index:StoredObject");
  const news = { cloud: "constructor", bucket: "b", key: "releases/a", content };
  await expect(kind?.create(news, context())).rejects.toThrow(
    'there is no cloud "constructor" to store releases/a in',
  );
});
