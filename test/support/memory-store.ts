import type { Readable } from "node:stream";
import {
  type BucketStore,
  type StoredDocument,
  type StoredFile,
  StoreError,
} from "../../service/storage/store.ts";

/** A store for tests of the HTTP side alone: real stores are tested in test/storage/. */
export interface MemoryStore extends BucketStore {
  readonly files: Map<string, { content: Buffer; contentType: string; modified: Date }>;
  /** Puts that have begun and not ended. */
  readonly running: Set<string>;
  /** Fails every call with this, or holds it until its signal is aborted. */
  fault: StoreError | "hang" | undefined;
}

export function memoryStore(bucket = "day02-files"): MemoryStore {
  const files: MemoryStore["files"] = new Map();
  const running = new Set<string>();
  const documents = new Map<string, StoredDocument>();
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const stored = (name: string): StoredFile | undefined => {
    const file = files.get(name);
    return (
      file && { name, size: file.content.length, modified: file.modified, contentType: file.contentType }
    );
  };
  const obey = async (signal: AbortSignal) => {
    if (store.fault === "hang") {
      await new Promise((_, reject) => {
        const fail = () => reject(new StoreError("unavailable", "aborted", signal.reason));
        if (signal.aborted) fail();
        else signal.addEventListener("abort", fail);
      });
    } else if (store.fault) throw store.fault;
  };
  const store: MemoryStore = {
    bucket,
    files,
    running,
    fault: undefined,
    async list({ prefix = "", after, limit, signal }) {
      await obey(signal);
      const names = [...files.keys()]
        .filter((name) => name.startsWith(prefix) && (after === undefined || byBytes(name, after) > 0))
        .sort(byBytes);
      return {
        files: names.slice(0, limit).flatMap((name) => stored(name) ?? []),
        more: names.length > limit,
      };
    },
    async put(name, content: Readable, { contentType, signal }) {
      running.add(name);
      try {
        await obey(signal);
        const chunks: Buffer[] = [];
        const onAbort = () => content.destroy(new Error("aborted"));
        signal.addEventListener("abort", onAbort);
        for await (const chunk of content) chunks.push(chunk);
        signal.throwIfAborted();
        files.set(name, { content: Buffer.concat(chunks), contentType, modified: new Date() });
        return stored(name) as StoredFile;
      } catch (error) {
        throw error instanceof StoreError ? error : new StoreError("unavailable", "the upload failed", error);
      } finally {
        running.delete(name);
      }
    },
    async presign(name, { expiresSeconds, contentDisposition, signal }) {
      await obey(signal);
      const query = new URLSearchParams({ expires: String(expiresSeconds), disposition: contentDisposition });
      return `https://store.example/${encodeURIComponent(name)}?${query}`;
    },
    async stat(name, signal) {
      await obey(signal);
      return stored(name);
    },
    async delete(name, signal) {
      await obey(signal);
      return files.delete(name);
    },
    async read(name, signal) {
      await obey(signal);
      return documents.get(name);
    },
    async replace(name, content, { before, signal }) {
      await obey(signal);
      if (documents.get(name)?.version !== before) return undefined;
      const version = `${Number(before ?? 0) + 1}`;
      documents.set(name, { content, version });
      return version;
    },
    async close() {},
  };
  return store;
}
