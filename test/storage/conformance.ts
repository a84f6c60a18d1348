import { createHash, randomBytes, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Page, type Store, StoreConflictError, StoreNameError } from "../../service/storage/store.ts";
import { nastyNames as generatedNames, isGood } from "../support/nasty-names.ts";
import { type OpenStore, type StoreKind, testIf } from "./stores.ts";

const signal = new AbortController().signal;
const MiB = 1024 * 1024;
const text = { contentType: "text/plain; charset=utf-8", signal };
const disposition = `attachment; filename="a b.csv"; filename*=UTF-8''a%20b%C3%A9.csv`;

/** Names that are taken for paths, patterns, queries, tags or other names, each of which is a file of its own. */
const nastyNames = [
  "A",
  "a b+c&d=e;f,g",
  "100%",
  "%2e%2e%2f",
  "%41",
  "a?b#c",
  "a\\b",
  "a:b|c*d<e>\"f'g`h$i(j)k",
  "[x]{y}^~",
  ".hidden",
  "..a",
  "CON",
  "-rf",
  "ö",
  "o\u0308",
  "日本語.csv",
  "🎉 emoji",
  "&amp;",
  "__proto__",
  "\u{10ffff}",
  "dir/file",
];

/** What a path takes for another, or a file system does not have; some servers cannot keep them. */
const impossibleNames = ["a/../b", "a//b", "./a", "a/.", "dir", "/a", "a/", "s".repeat(300)];

function chunksOf(bytes: number, chunkBytes = 100_000): Readable {
  const block = randomBytes(chunkBytes);
  let left = bytes;
  return new Readable({
    read() {
      const size = Math.min(left, chunkBytes);
      left -= size;
      this.push(size > 0 ? block.subarray(0, size) : null);
    },
  });
}

async function inParallel(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  const left = [...names];
  const worker = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await work(name);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");

/** What every store must do, wherever it is: tested in the same words. */
export function conformance(kind: StoreKind): void {
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });
  describe.skipIf(!kind.installed)(`${kind.name}`, () => {
    let opened: OpenStore;
    let store: Store;

    beforeAll(async () => {
      opened = await kind.open();
      store = opened.store;
    });

    afterAll(async () => {
      await store?.close();
      await opened?.stop();
    });

    beforeEach(async () => {
      await inParallel(await allNames(), (name) => store.delete(name, signal));
      await settled([]);
    });

    const put = (name: string, content: string | Readable = name) =>
      store.put(name, typeof content === "string" ? Readable.from([Buffer.from(content)]) : content, text);

    /** A server learns of a connection that was cut a moment later. */
    const settled = (keys: readonly string[]) =>
      vi.waitFor(async () => expect(await opened.keys()).toEqual(keys), { timeout: 10_000 });

    async function allNames(): Promise<string[]> {
      const names: string[] = [];
      for (let page: Page | undefined; page?.more !== false; ) {
        const after = names.at(-1);
        page = await store.list({ limit: 1000, signal, ...(after !== undefined && { after }) });
        names.push(...page.files.map(({ name }) => name));
      }
      return names;
    }

    /** A document that there is not yet, which is gone after the test where the store has it beside the files. */
    async function document() {
      const documents = await opened.documents?.();
      if (!documents) throw new Error("there are no documents");
      const name = `${randomUUID()}.json`;
      onTestFinished(async () => {
        await documents.delete(name, signal);
        await documents.close();
      });
      return { documents, name };
    }

    async function download(name: string): Promise<Response> {
      return fetch(
        await store.presign(name, { expiresSeconds: 120, contentDisposition: disposition, signal }),
      );
    }

    test("stores, finds, lists and deletes a file", async () => {
      const before = Date.now() - 2_000;
      expect(await put("a.txt", "hello")).toMatchObject({ name: "a.txt", size: 5 });
      const file = { name: "a.txt", size: 5, modified: expect.any(Date) };
      const found = await store.stat("a.txt", signal);
      expect(found).toEqual({ ...file, contentType: text.contentType });
      expect(found?.modified.getTime()).toBeGreaterThan(before);
      expect(await store.list({ limit: 1, signal })).toEqual({ files: [file], more: false });
      expect(await store.delete("a.txt", signal)).toBe(true);
      expect(await store.stat("a.txt", signal)).toBeUndefined();
      expect(await store.delete("a.txt", signal)).toBe(false);
      expect(await store.list({ limit: 1, signal })).toEqual({ files: [], more: false });
    });

    test("keeps files where the app may write", async () => {
      await put("a.txt");
      for (const key of await opened.keys()) expect(key).toMatch(new RegExp(`^${kind.prefix}a`));
    });

    test("lists page by page, in the order of the names' bytes", async () => {
      const names = ["B", "a", "d!x", "d/x", "d0x", "b/1", "b/2", "c", "é", "\u{ffee}", "\u{1f600}"];
      const more = Array.from({ length: 14 }, (_, index) => `n${String(index).padStart(2, "0")}`);
      for (const name of [...names, ...more].reverse()) await put(name);
      const sorted = [...names, ...more].sort((one, other) =>
        Buffer.compare(Buffer.from(one), Buffer.from(other)),
      );
      const list = async (options: { limit: number; after?: string; prefix?: string }) => {
        const { files, more: behind } = await store.list({ ...options, signal });
        return [files.map(({ name }) => name), behind];
      };
      expect(await list({ limit: 10 })).toEqual([sorted.slice(0, 10), true]);
      expect(await list({ limit: 10, after: `${sorted[9]}` })).toEqual([sorted.slice(10, 20), true]);
      expect(await list({ limit: 10, after: `${sorted[19]}` })).toEqual([sorted.slice(20), false]);
      expect(await list({ limit: 25 })).toEqual([sorted, false]);
      expect(await list({ limit: 25, after: "a" })).toEqual([sorted.slice(2), false]);
      expect(await list({ limit: 25, after: "a!" })).toEqual([sorted.slice(2), false]);
      expect(await list({ limit: 10, after: "zz", prefix: "n" })).toEqual([[], false]);
      expect(await list({ limit: 10, prefix: "b/" })).toEqual([["b/1", "b/2"], false]);
      expect(await list({ limit: 1, prefix: "b/" })).toEqual([["b/1"], true]);
      expect(await list({ limit: 10, prefix: "n", after: "n09" })).toEqual([more.slice(10), false]);
      expect(await list({ limit: 10, prefix: "nothing" })).toEqual([[], false]);
    });

    // Swift takes 30 ms a file here, and as long to delete it.
    testIf(kind.name !== "swift")("lists 2,500 files", async () => {
      const names = Array.from({ length: 2_500 }, (_, index) => `many/${String(index).padStart(4, "0")}`);
      await inParallel(names, (name) => put(name, ""));
      expect(await allNames()).toEqual(names);
    });

    test("keeps every name as it is", async () => {
      const longest = "é".repeat(kind.maxNameBytes / 2).replace(/(.{100})/g, "$1/");
      const names = [
        ...nastyNames,
        Buffer.from(longest)
          .subarray(0, kind.maxNameBytes - 2)
          .toString()
          .replace(/\ufffd*$/, "z"),
      ];
      for (const name of names) await put(name);
      for (const name of names) {
        expect(await store.stat(name, signal), name).toMatchObject({ name, size: Buffer.byteLength(name) });
      }
      const listed = await store.list({ limit: 100, signal });
      expect(listed.files.map(({ name }) => name).sort()).toEqual([...names].sort());
      for (const name of names) expect(await (await download(name)).text(), name).toBe(name);
      for (const name of names) expect(await store.delete(name, signal), name).toBe(true);
    });

    test("keeps a name that no path has, or refuses it; none lands elsewhere", async () => {
      await put("dir/file");
      const kept: string[] = ["dir/file"];
      for (const name of impossibleNames) {
        try {
          await put(name);
          kept.push(name);
        } catch (error) {
          expect(error, name).toBeInstanceOf(StoreNameError);
        }
      }
      expect((await allNames()).sort()).toEqual(kept.sort());
    });

    testIf(kind.name === "s3")(
      "a name that would be another's folder, or below another, is a conflict",
      async () => {
        await put("dir/file");
        for (const name of ["dir", "dir/file/below"]) {
          await expect(put(name), name).rejects.toThrow(StoreConflictError);
        }
        const large = put("dir/file/below", chunksOf(9 * MiB));
        await expect(large).rejects.toThrow(StoreConflictError);
        expect(await opened.keys()).toEqual([`${kind.prefix}dir/file`]);
      },
    );

    test("of 1,000 nasty names keeps each that the app lets through, or refuses it; none lands elsewhere", async () => {
      const names = [...new Set(generatedNames(1000, 20_04).filter(isGood))];
      const kept: string[] = [];
      await inParallel(names, async (name) => {
        try {
          await put(name);
          kept.push(name);
        } catch (error) {
          expect(error, name).toBeInstanceOf(StoreNameError);
        }
      });
      expect(kept.length).toBeGreaterThan(300);
      expect((await allNames()).sort()).toEqual(kept.sort());
      await inParallel(kept, async (name) => {
        // `text()` would leave a byte order mark out.
        expect(Buffer.from(await (await download(name)).bytes()).toString()).toBe(name);
      });
    });

    test("refuses a name for which there is no room", async () => {
      const name = "n".repeat(kind.maxNameBytes + 1);
      if (kind.name !== "local" && kind.name !== "swift")
        await expect(put(name)).rejects.toThrow(StoreNameError);
      else await expect(put(name)).rejects.toThrow();
      expect(await opened.keys()).toEqual([]);
    });

    test("stores an empty file", async () => {
      expect(await put("empty", Readable.from([]))).toMatchObject({ size: 0 });
      expect(await store.stat("empty", signal)).toMatchObject({ size: 0 });
      expect(await (await download("empty")).text()).toBe("");
    });

    test("stores 20 MiB of unknown length, then replaces it", async () => {
      const content = randomBytes(20 * MiB + 12_345);
      const pieces = Array.from({ length: 300 }, (_, index) =>
        content.subarray(index * 70_000, (index + 1) * 70_000),
      );
      await put("big", Readable.from(pieces, { objectMode: false }));
      const answer = await download("big");
      expect(sha256(await answer.bytes())).toBe(sha256(content));
      expect(await store.stat("big", signal)).toMatchObject({ size: content.length });
      expect((await store.list({ limit: 1, signal })).files[0]?.size).toBe(content.length);
      await put("big", chunksOf(13 * MiB));
      expect(await store.stat("big", signal)).toMatchObject({ size: 13 * MiB });
      await put("big", "small");
      expect(await store.stat("big", signal)).toMatchObject({ size: 5 });
      expect(await opened.keys()).toEqual([`${kind.prefix}big`]);
    });

    test("stores a file whose size is known", async () => {
      await store.put("sized", chunksOf(9 * MiB), { ...text, size: 9 * MiB });
      expect(await store.stat("sized", signal)).toMatchObject({ size: 9 * MiB });
    });

    for (const [how, size] of [
      ["a small", 1_000],
      ["a large", 15 * MiB],
    ] as const) {
      test(`leaves nothing of ${how} upload that is aborted, and keeps what it was to replace`, async () => {
        await put("kept", "before");
        const keys = await opened.keys();
        const controller = new AbortController();
        const reason = new Error("the client hung up");
        const content = Readable.from(
          (async function* () {
            yield* chunksOf(size);
            await turn();
            controller.abort(reason);
            await turn();
            yield Buffer.from("more");
          })(),
        );
        const upload = store.put("kept", content, { ...text, signal: controller.signal });
        await expect(upload).rejects.toBe(reason);
        await settled(keys);
        expect(await (await download("kept")).text()).toBe("before");
      });

      test(`leaves nothing of ${how} upload whose stream fails`, async () => {
        const failure = new Error("too large");
        const content = Readable.from(
          (async function* () {
            yield* chunksOf(size);
            throw failure;
          })(),
        );
        await expect(put("gone", content)).rejects.toBe(failure);
        await settled([]);
        expect(await store.stat("gone", signal)).toBeUndefined();
      });
    }

    test("leaves nothing of an upload that waits for its client when it is aborted", async () => {
      const controller = new AbortController();
      const content = new Readable({ read() {} });
      content.push(randomBytes(9 * MiB));
      const upload = store.put("waits", content, { ...text, signal: controller.signal });
      await vi.waitFor(() => expect(content.readableLength).toBe(0));
      controller.abort(new Error("the client hung up"));
      await expect(upload).rejects.toThrow("the client hung up");
      await settled([]);
    });

    test("of two uploads of one name at once, one wins whole", async () => {
      const contents = ["x", "y"].map((char) => char.repeat(13 * MiB));
      const upload = (content: string) =>
        put("same", Readable.from(content.match(/.{1,100000}/g) ?? []).map(Buffer.from));
      await Promise.all(contents.map(upload));
      expect(contents).toContain(await (await download("same")).text());
      await store.delete("same", signal);
      await settled([]);
    });

    test("presigns a download, with its type and the name it is to have", async () => {
      await put("data.csv", "a,b\n");
      const answer = await download("data.csv");
      expect(answer.status).toBe(200);
      expect(await answer.text()).toBe("a,b\n");
      expect(answer.headers.get("content-type")).toBe(text.contentType);
      if (opened.isSigned) {
        expect(new URL(answer.url).searchParams.get("response-content-disposition")).toBe(disposition);
      } else if (kind.fixedUrls) {
        expect(answer.headers.get("content-disposition")).toBe("attachment; filename=data.csv");
      } else {
        expect(answer.headers.get("content-disposition")).toMatch(/^attachment; filename=/);
        expect(answer.headers.get("content-disposition")).toMatch(/a%20b%C3%A9\.csv/);
      }
      const range = await fetch(answer.url, { headers: { range: "bytes=2-2" } });
      expect([range.status, await range.text()]).toEqual([206, "b"]);
    });

    test("a URL for what is not there gives 404", async () => {
      expect((await download("missing")).status).toBe(404);
    });

    const opens = async (url: URL | string) => {
      if (opened.isSigned) return opened.isSigned(`${url}`);
      const { status } = await fetch(url);
      expect([200, 401, 403]).toContain(status);
      return status === 200;
    };

    test("a URL is refused when it was tampered with", async () => {
      await put("a");
      await put("b");
      const options = { contentDisposition: disposition, expiresSeconds: 60, signal };
      const good = new URL(await store.presign("a", options));
      const other = new URL(good);
      other.pathname = other.pathname.replace(/a$/, "b");
      const later = new URL(good);
      for (const name of ["X-Amz-Expires", "X-Goog-Expires", "expires", "temp_url_expires"]) {
        const value = later.searchParams.get(name);
        if (value) later.searchParams.set(name, String(Number(value) + 1));
      }
      expect(later.href).not.toBe(good.href);
      expect(await opens(good)).toBe(true);
      expect(await opens(other)).toBe(false);
      expect(await opens(later)).toBe(false);
    });

    testIf(!kind.fixedUrls)("a URL is refused once it has expired", async () => {
      await put("a");
      const short = await store.presign("a", { contentDisposition: disposition, expiresSeconds: 1, signal });
      expect(await opens(short)).toBe(true);
      await vi.waitFor(async () => expect(await opens(short)).toBe(false), {
        timeout: 5_000,
        interval: 100,
      });
    });

    testIf(kind.hasDocuments !== false)(
      "changes a document only if it is the version that the change is one of",
      async () => {
        const { documents, name } = await document();
        const content = (words: string) => Buffer.from(JSON.stringify({ words }));
        const read = async () => (await documents.read(name, signal))?.content.toString();
        expect(await documents.read(name, signal)).toBeUndefined();
        const first = await documents.replace(name, content("first"), { signal });
        expect(first).toEqual(expect.any(String));
        expect(await documents.replace(name, content("another first"), { signal })).toBeUndefined();
        expect(await documents.read(name, signal)).toEqual({
          content: content("first"),
          version: first,
        });
        const change = { before: `${first}`, signal };
        const second = await documents.replace(name, content("second"), change);
        expect(second).not.toBe(first);
        expect(await documents.replace(name, content("late"), change)).toBeUndefined();
        expect(await read()).toBe('{"words":"second"}');
      },
    );

    testIf(kind.hasDocuments !== false)("makes one of many changes of a document at once", async () => {
      const { documents, name } = await document();
      const change = async (count: number) => {
        const found = await documents.read(name, signal);
        const counted = JSON.parse(found?.content.toString() ?? "[]") as number[];
        const content = Buffer.from(JSON.stringify([...counted, count]));
        const options = { signal, ...(found && { before: found.version }) };
        return (await documents.replace(name, content, options)) === undefined ? [] : [count];
      };
      const made: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const numbers = [1, 2, 3, 4].map((number) => round * 10 + number);
        made.push(...(await Promise.all(numbers.map(change))).flat());
      }
      const found = await documents.read(name, signal);
      // Two of a round may both be made, one after the other, in either order.
      const sorted = (numbers: number[]) => numbers.toSorted((one, other) => one - other);
      expect(sorted(JSON.parse(`${found?.content}`))).toEqual(sorted(made));
      expect(made.length).toBeGreaterThanOrEqual(5);
    });

    test("does nothing for a caller who has gone", async () => {
      const gone = AbortSignal.abort(new Error("gone"));
      await expect(store.list({ limit: 1, signal: gone })).rejects.toThrow("gone");
      await expect(store.stat("a", gone)).rejects.toThrow("gone");
      await expect(store.put("a", Readable.from(["a"]), { ...text, signal: gone })).rejects.toThrow("gone");
      await settled([]);
    });
  });
}
