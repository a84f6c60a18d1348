import { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Store, StoreError, type StoreFault } from "../../service/storage/store.ts";
import { type FaultProxy, startProxy } from "./proxy.ts";
import { storeKinds, type TestStore, testIf } from "./stores.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const signal = new AbortController().signal;
const MiB = 1024 * 1024;
const text = { contentType: "text/plain", signal };
/** How long a server may say nothing here, in milliseconds, which is more than its answers and pauses take. */
const idleMsOf = { local: 400, s3: 400, gcs: 2_000, swift: 1_500 };

/** A stream of zeros that counts what is read of it. */
function zeros(bytes: number) {
  const block = Buffer.alloc(64 * 1024);
  let read = 0;
  const content = new Readable({
    read() {
      this.push(read < bytes ? block : null);
      read += block.length;
    },
  });
  return { content, read: () => read };
}

for (const kind of storeKinds) {
  describe.skipIf(!kind.installed)(`${kind.name} behind a bad network`, () => {
    let proxy: FaultProxy;
    let opened: TestStore;
    let store: Store;
    let behindProxy: Readonly<Record<string, string>> = {};

    beforeAll(async () => {
      proxy = await startProxy();
      opened = await kind.open(proxy.url);
      const address = opened.server ?? opened.environment[kind.address] ?? "";
      proxy.target = new URL(address).origin;
      if (kind.address !== "SWIFT")
        behindProxy = { [kind.address]: address.replace(proxy.target, proxy.url) };
      store = await opened.reopen(behindProxy, { idleMs: idleMsOf[kind.name], segmentBytes: 6 * MiB });
      await store.put("there", Readable.from([Buffer.from("content")]), text);
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

    const operations: Readonly<Record<string, () => Promise<unknown>>> = {
      list: () => store.list({ limit: 10, signal }),
      stat: () => store.stat("there", signal),
      delete: () => store.delete("there", signal),
      "a small put": () => store.put("new", Readable.from([Buffer.from("content")]), text),
      "a large put": () => store.put("new", zeros(20 * MiB).content, text),
    };

    /** What an operation fails with, which must tell nobody where the store is or how it is opened. */
    async function faultOf(operation: () => Promise<unknown>): Promise<StoreFault> {
      const error = await operation().then(
        () => new Error("it did not fail"),
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(StoreError);
      const { message, fault } = error as StoreError;
      expect(message).not.toMatch(/127\.0\.0\.1|:\d{4}|key|token|secret|machines|AUTH_/i);
      return fault;
    }

    const settled = () =>
      vi.waitFor(async () => expect(await opened.keys()).toEqual([`${kind.prefix}there`]), {
        timeout: 10_000,
      });

    for (const [name, operation] of Object.entries(operations)) {
      test.for<[string, StoreFault]>([
        ["500", "unavailable"],
        ["503", "busy"],
        ["429", "busy"],
        ["409", "busy"],
        ["403", "denied"],
        ["507", "full"],
      ])(`${name}: %s is %s`, async ([status, fault]) => {
        proxy.fate = () => ({ status: Number(status) });
        expect(await faultOf(operation)).toBe(fault);
        proxy.fate = () => "pass";
        await settled();
      });

      const sameAsStat = ["list", "delete"].includes(name);
      testIf(!sameAsStat)(`${name}: a server that hangs is a timeout`, async () => {
        proxy.fate = () => "hang";
        expect(await faultOf(operation)).toBe("timeout");
        proxy.fate = () => "pass";
        await settled();
      });

      test(`${name}: connections that are cut are an unavailable store`, async () => {
        proxy.fate = () => ({ cutAfter: 0 });
        expect(await faultOf(operation)).toBe("unavailable");
        proxy.fate = () => "pass";
        await settled();
      });
    }

    test("asks again when one answer is bad, and nothing was lost by it", async () => {
      const bad = [{ status: 503 }, { cutAfter: 0 }];
      // The SDK of S3 asks less often again after failures, of which the other tests had many.
      const fresh = await opened.reopen(behindProxy);
      await fresh.list({ limit: 1, signal });
      proxy.requests.length = 0;
      proxy.fate = () => bad.shift() ?? "pass";
      expect(await fresh.stat("there", signal)).toMatchObject({ size: 7 });
      expect(bad).toEqual([]);
      expect(proxy.requests.length).toBe(3);
      await fresh.close();
    });

    test("an upload that is cut in the middle leaves nothing", async () => {
      let bodies = 0;
      proxy.fate = ({ method, headers }) => {
        // fake-gcs-server takes this question of how much has arrived for the end of the upload; Google's answers so.
        if (headers["content-range"] === "bytes */*")
          return { status: 308, headers: { range: "bytes=0-8388607" } };
        const isBody = method === "PUT" && ++bodies > (kind.name === "local" ? 0 : 1);
        return isBody ? { cutAfter: 100_000 } : "pass";
      };
      expect(await faultOf(operations["a large put"] ?? (() => Promise.resolve()))).toBe("unavailable");
      proxy.fate = () => "pass";
      await settled();
    });

    test("does not read ahead of a store that takes nothing", async () => {
      proxy.fate = ({ method }) => (method === "PUT" ? "hang" : "pass");
      const { content, read } = zeros(400 * MiB);
      expect(await faultOf(() => store.put("new", content, text))).toBe("timeout");
      expect(read()).toBeLessThan(48 * MiB);
    });

    test("gives up at once when its caller does", async () => {
      proxy.fate = () => "hang";
      for (const operation of [
        (abort: AbortSignal) => store.list({ limit: 1, signal: abort }),
        (abort: AbortSignal) => store.put("new", zeros(20 * MiB).content, { ...text, signal: abort }),
      ]) {
        const controller = new AbortController();
        const before = proxy.requests.length;
        const outcome = operation(controller.signal).catch((error: unknown) => error);
        await vi.waitFor(() => expect(proxy.requests.length).toBeGreaterThan(before));
        const reason = new Error("the caller hung up");
        controller.abort(reason);
        expect(await outcome).toBe(reason);
      }
    });

    testIf(kind.name === "swift")("signs by SHA-1 where the cloud takes nothing else", async () => {
      const url = await store.presign("there", { expiresSeconds: 60, contentDisposition: "inline", signal });
      expect(new URL(url).searchParams.get("temp_url_sig")).toHaveLength(40);
      expect(await (await fetch(url)).text()).toBe("content");
    });

    testIf(kind.name === "swift")("opens by an application credential", async () => {
      const other = await opened.reopen(opened.application ?? {});
      expect(await other.stat("there", signal)).toMatchObject({ size: 7 });
      await other.close();
    });

    testIf(kind.name === "swift")("renews a token that is refused", async () => {
      // Keystone takes its time.
      const patient = await opened.reopen(behindProxy, {});
      await patient.stat("there", signal);
      const token = `${proxy.requests.at(-1)?.headers["x-auth-token"]}`;
      await opened.revoke?.(token);
      expect(await patient.stat("there", signal)).toMatchObject({ size: 7 });
      await patient.close();
      expect(proxy.requests.at(-1)?.headers["x-auth-token"]).not.toBe(token);
    });

    testIf(kind.name === "swift")("goes on when its token ends in the middle of an upload", async () => {
      const tokens = new Set<unknown>();
      proxy.fate = ({ method, url, headers }) => {
        if (method === "PUT" && url?.includes("segments/")) tokens.add(headers["x-auth-token"]);
        return "pass";
      };
      // Keystone takes its time.
      const patient = await opened.reopen(behindProxy, { segmentBytes: 6 * MiB });
      const { content } = zeros(20 * MiB);
      async function* revoking() {
        let bytes = 0;
        for await (const chunk of content) {
          bytes += chunk.length;
          if (bytes === 9 * MiB) await opened.revoke?.(`${[...tokens][0]}`);
          yield chunk;
        }
      }
      expect(await patient.put("long", Readable.from(revoking()), text)).toMatchObject({ size: 20 * MiB });
      expect(tokens.size).toBe(2);
      expect(await patient.delete("long", signal)).toBe(true);
      await patient.close();
      await settled();
    });
  });
}
