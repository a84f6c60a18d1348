import { createHash } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import type { Store } from "../../service/storage/store.ts";
import { segmentsFolder } from "../../service/storage/swift-account.ts";
import { bearer, token } from "../service/file-api.ts";
import { startApp } from "../service/process.ts";
import { type FaultProxy, startProxy } from "./proxy.ts";
import { storeKinds, type TestStore } from "./stores.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const signal = new AbortController().signal;
const text = { contentType: "text/plain", signal };
/** Of small segments Swift reads ten at once, and then one a second (slo middleware, "rate_limit_after_segment"). */
const count = 10;
const segmentBytes = 10_000;
const server = join(import.meta.dirname, "../../service/server.ts");
const day = 86_400;
const folder = encodeURIComponent(segmentsFolder);
const swift = storeKinds.find(({ name }) => name === "swift");

/** Chunks of a segment's size, with something to do before the one after `before`. */
async function* chunks(length: number, before = length, then = async () => {}) {
  for (let index = 0; index < length; index += 1) {
    if (index === before) await then();
    yield Buffer.alloc(segmentBytes, index);
  }
}

describe.skipIf(!swift?.installed)("the segments of Swift's large files", () => {
  let proxy: FaultProxy;
  let opened: TestStore;
  let store: Store;

  beforeAll(async () => {
    if (!swift) throw new Error("there is no Swift among the stores");
    proxy = await startProxy();
    opened = await swift.open(proxy.url);
    proxy.target = opened.server ?? "";
    store = await opened.reopen({}, { segmentBytes });
  });

  afterAll(async () => {
    await store?.close();
    await opened?.store.close();
    await opened?.stop();
    await proxy?.stop();
  });

  beforeEach(() => {
    proxy.fate = () => "pass";
    proxy.requests.length = 0;
  });

  afterEach(async () => {
    proxy.fate = () => "pass";
    await store.delete("large", signal);
    for (const { path } of await segments()) await opened.request?.("DELETE", path);
    expect(await opened.keys()).toEqual([]);
  });

  async function segments() {
    const names = (await opened.keys()).filter((key) => key.startsWith("segment "));
    return Promise.all(
      names.map((name) => look(`/${store.bucket}/${folder}/${name.slice("segment ".length)}`)),
    );
  }

  async function look(path: string) {
    const headers = (await opened.request?.("HEAD", path))?.headers;
    const { etag, "content-type": type, "x-delete-at": expiry } = Object.fromEntries(headers ?? []);
    return { path, etag, type, expiry: expiry === undefined ? undefined : Number(expiry) };
  }

  const put = (content: AsyncIterable<Buffer>, abort = signal, to = store) =>
    to.put("large", Readable.from(content), { ...text, signal: abort });

  const isKeeping = ({ method, url }: IncomingMessage) =>
    method === "POST" && `${url}`.includes(`/${folder}/`);
  const isManifest = ({ url }: IncomingMessage) => `${url}`.endsWith("?multipart-manifest=put");

  test("expire when the app is killed in the middle of an upload", async () => {
    const sha256 = createHash("sha256").update(token).digest("hex");
    const app = await startApp(server, { ...opened.environment, ADMIN_TOKEN_SHA256: sha256 });
    onTestFinished(() => void app.child.kill("SIGKILL"));
    const headers = { ...bearer, "content-length": 1024 ** 3 };
    const call = httpRequest({ port: app.port, method: "PUT", path: "/files/large", headers });
    call.on("error", () => {});
    for (let sent = 0; sent < 150; sent += 1) call.write(Buffer.alloc(1024 ** 2));
    await vi.waitFor(async () => expect(await segments()).toHaveLength(2), { timeout: 30_000 });
    app.child.kill("SIGKILL");
    expect(await app.exited).toBeNull();
    const left = await segments();
    expect(left.length).toBeGreaterThanOrEqual(2);
    for (const { expiry } of left) {
      expect(expiry).toBeGreaterThan(Date.now() / 1000 + 6 * day);
      expect(expiry).toBeLessThanOrEqual(Date.now() / 1000 + 7 * day);
    }
  });

  test("do not expire once the file is there, and are what they were", async () => {
    let sent: Awaited<ReturnType<typeof segments>> = [];
    const content = chunks(count, count / 2, async () => {
      sent = await segments();
    });
    await put(content);
    expect(sent.length).toBeGreaterThan(2);
    for (const { expiry } of sent) expect(expiry).toBeGreaterThan(Date.now() / 1000 + 6 * day);
    // Which Swift does without, and Ceph does not.
    const asked = proxy.requests.filter(isKeeping);
    for (const { headers } of asked) expect(headers["x-remove-delete-at"]).toBe("true");
    expect(new Set(asked.map(({ url }) => url)).size).toBe(count);
    const kept = await segments();
    expect(kept).toHaveLength(count);
    for (const { expiry } of kept) expect(expiry).toBeUndefined();
    expect(kept).toEqual(expect.arrayContaining(sent.map((segment) => ({ ...segment, expiry: undefined }))));
    const url = await store.presign("large", { expiresSeconds: 60, contentDisposition: "inline", signal });
    const whole = Buffer.concat(await Array.fromAsync(chunks(count)));
    expect(whole.equals(Buffer.from(await (await fetch(url)).arrayBuffer()))).toBe(true);
  });

  test("do not expire any more when the manifest is sent", async () => {
    const { promise: manifest, resolve } = Promise.withResolvers<void>();
    proxy.fate = (request) => {
      if (!isManifest(request)) return "pass";
      resolve();
      return "hang";
    };
    const controller = new AbortController();
    const upload = put(chunks(count), controller.signal).catch((error: unknown) => error);
    await manifest;
    const ready = await segments();
    expect(ready).toHaveLength(count);
    for (const { expiry } of ready) expect(expiry).toBeUndefined();
    controller.abort(new Error("the client hung up"));
    expect(await upload).toMatchObject({ message: "the client hung up" });
    expect(await opened.keys()).toEqual([]);
  });

  test.for([
    ["a segment cannot be kept", 403, "denied"],
    ["a segment cannot be kept", 500, "unavailable"],
    ["the manifest is refused", 403, "denied"],
  ] as const)("are deleted when %s: %d", async ([what, status, fault]) => {
    const isFailing = what === "the manifest is refused" ? isManifest : isKeeping;
    proxy.fate = (request) => (isFailing(request) && !request.url?.endsWith("/00000") ? { status } : "pass");
    await expect(put(chunks(count))).rejects.toMatchObject({ fault });
    expect(await opened.keys()).toEqual([]);
  });

  test("are deleted, and there is no file, when one of them has gone before the file is complete", async () => {
    const content = chunks(count, count / 2, async () => {
      await opened.request?.("DELETE", (await segments())[0]?.path ?? "");
    });
    await expect(put(content)).rejects.toMatchObject({
      fault: "unavailable",
      cause: { message: expect.stringMatching(/\/00000 is gone: an upload may take 7 days$/) },
    });
    expect(proxy.requests.filter(isManifest)).toEqual([]);
    expect(await opened.keys()).toEqual([]);
  });

  test("are kept a few at a time", async () => {
    const impatient = await opened.reopen({}, { segmentBytes, idleMs: 1_500 });
    onTestFinished(() => impatient.close());
    proxy.fate = (request) => (isKeeping(request) ? "hang" : "pass");
    await expect(put(chunks(40), signal, impatient)).rejects.toMatchObject({ fault: "timeout" });
    expect(new Set(proxy.requests.filter(isKeeping).map(({ url }) => url)).size).toBe(8);
    expect(await opened.keys()).toEqual([]);
  });
});
