import { request } from "node:http";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Store, type StoredFile, StoreNameError } from "../../service/storage/store.ts";

interface Answer {
  readonly status: number;
  readonly message: string;
  readonly content?: unknown;
  readonly next?: string;
}

/** The file API of a deployed stack as its clients see it, in the words of a store. */
export function deployedStore(bucket: string, origin: string, token: string): Store {
  const headers = { authorization: `Bearer ${token}` };
  const pathOf = (name: string) => encodeURIComponent(name);

  async function call(method: string, path: string, signal: AbortSignal, ...also: number[]): Promise<Answer> {
    const response = await fetch(origin + path, { method, headers, signal });
    return expected((await response.json()) as Answer, also);
  }

  async function stat(name: string, signal: AbortSignal): Promise<StoredFile | undefined> {
    const { status, content } = await call("GET", `/download/${pathOf(name)}`, signal, 404);
    if (status === 404) return undefined;
    const file = await fetch(`${content}`, { method: "HEAD", signal });
    if (!file.ok) throw new Error(`HEAD ${content} was answered ${file.status}`);
    const header = (key: string) => file.headers.get(key) ?? `no ${key}`;
    const modified = new Date(header("last-modified"));
    return { name, size: Number(header("content-length")), modified, contentType: header("content-type") };
  }

  async function put(
    name: string,
    content: Readable,
    { contentType, size, signal }: Parameters<Store["put"]>[2],
  ) {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const length = size === undefined ? {} : { "content-length": size };
    const call = request(`${origin}/files/${pathOf(name)}`, {
      method: "PUT",
      headers: { ...headers, ...length, "content-type": contentType },
      signal,
    });
    call.on("error", reject).on("response", async (response) => {
      try {
        resolve(JSON.parse(Buffer.concat(await response.toArray()).toString()));
      } catch (error) {
        reject(error);
      }
    });
    let bytes = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    const abort = () => content.destroy();
    signal.addEventListener("abort", abort);
    try {
      const [answer] = await Promise.all([promise, pipeline(content, counted, call)]);
      expected(answer, []);
      return { name, size: bytes, modified: new Date(), contentType };
    } catch (error) {
      signal.throwIfAborted();
      throw content.errored ?? error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  return {
    bucket,
    put,
    stat,
    list: async ({ limit, after, prefix, signal }) => {
      const query = new URLSearchParams({
        limit: String(limit),
        ...(after && { after }),
        ...(prefix && { prefix }),
      });
      const { content, next } = await call("GET", `/list_files?${query}`, signal);
      const files: StoredFile[] = [];
      for (const name of content as string[]) {
        const file = await stat(name, signal);
        if (!file) throw new Error(`${name} is listed, and cannot be found`);
        const { contentType: _, ...listed } = file;
        files.push(listed);
      }
      return { files, more: next !== undefined };
    },
    presign: async (name, { signal }) => {
      const path = `/download/${pathOf(name)}`;
      const { status, content } = await call("GET", path, signal, 404);
      return status === 404 ? origin + path : `${content}`;
    },
    delete: async (name, signal) =>
      (await call("DELETE", `/files/${pathOf(name)}`, signal, 404)).status === 200,
    close: async () => {},
  };
}

function expected(answer: Answer, also: readonly number[]): Answer {
  const { status, message } = answer;
  if (status === 200 || also.includes(status)) return answer;
  throw [400, 409].includes(status) ? new StoreNameError(message) : new Error(`${status}: ${message}`);
}
