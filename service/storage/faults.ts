import type { Readable } from "node:stream";
import { StoreError, type StoreFault, StoreNameError } from "./store.ts";

/** Longest key of S3 and of Google Cloud Storage, in bytes (S3 user guide, "Naming objects"; GCS, "Object names"). */
const maxKeyBytes = 1024;

/** Where files lie in a bucket that has releases too. */
export const filesPrefix = "files/";

/**
 * The key of a file in its bucket.
 * @throws {StoreNameError} when the name has no room beside the prefix; and for an empty, `.` or `..` segment, which
 * makes it another file's for servers that keep keys as paths, and for clients that resolve them in URLs
 */
export function keyOf(name: string, prefix: string): string {
  const key = prefix + name;
  if (name.split("/").some((segment) => ["", ".", ".."].includes(segment))) {
    throw new StoreNameError(`The file name ${JSON.stringify(name)} has an empty, \`.\` or \`..\` segment`);
  }
  if (Buffer.byteLength(key) > maxKeyBytes) {
    throw new StoreNameError(
      `A file name has at most ${maxKeyBytes - prefix.length} bytes of UTF-8 in this bucket; this one has ${Buffer.byteLength(name)}`,
    );
  }
  return key;
}

/** How Node.js and the stores' SDKs tell that time has run out. */
const timeouts = ["ETIMEDOUT", "ESOCKETTIMEDOUT", "TimeoutError"];

/**
 * What a status means that the store does not answer when all is well. 498 is Swift's rate limit; 409 comes when another
 * request changes the same thing at this moment; a 404 here is a
 * bucket that does not exist, because a missing file is an answer.
 */
export function faultOfStatus(status: number): StoreFault {
  if ([409, 429, 498, 503].includes(status)) return "busy";
  if ([408, 504].includes(status)) return "timeout";
  if (status === 507) return "full";
  return status >= 400 && status < 500 ? "denied" : "unavailable";
}

/**
 * What an error without a status means: the connection failed in one way or another. A code says more than a name: the
 * SDK of S3 calls a connection that was cut a TimeoutError too.
 */
export function faultOfError(error: unknown): StoreFault {
  const { code, name, cause } = error as { code?: unknown; name?: unknown; cause?: unknown };
  if (timeouts.includes(String(typeof code === "string" ? code : name))) return "timeout";
  return cause ? faultOfError(cause) : "unavailable";
}

const reasons: Readonly<Record<StoreFault, string>> = {
  busy: "has too many requests",
  timeout: "did not answer in time",
  unavailable: "could not be reached, or failed",
  denied: "refused",
  full: "had no room left",
  unsupported: "has no such thing",
};

/** A failure of an operation such as `listing files`; what the store said of it is the cause, for the log. */
export function storeError(fault: StoreFault, operation: string, cause?: unknown): StoreError {
  return new StoreError(fault, `the store ${reasons[fault]} while ${operation}`, cause);
}

/** Does an operation, and turns what a store's SDK throws into a StoreError; an abort stays the abort it is. */
export async function guarded<T>(
  operation: string,
  signal: AbortSignal,
  faultOf: (error: unknown) => StoreFault,
  work: () => Promise<T>,
): Promise<T> {
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof StoreError || error instanceof StoreNameError) throw error;
    throw storeError(faultOf(error), operation, error);
  }
}

/** A file on its way into a store. */
export interface Source {
  readonly chunks: AsyncGenerator<Buffer, void>;
  /** How many bytes have been read so far. */
  bytes(): number;
}

/**
 * Does an upload like `guarded`. The abort reaches it through its source, which fails then, so that `work` has one way
 * to fail and can clean up; whatever `work` makes of the stream's own error, that error is what is thrown.
 */
export async function guardedUpload<T>(
  content: Readable,
  signal: AbortSignal,
  faultOf: (error: unknown) => StoreFault,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  let failure: { readonly error: unknown } | undefined;
  let bytes = 0;
  async function* read(): AsyncGenerator<Buffer, void> {
    try {
      for await (const chunk of content) {
        bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  const abort = () => void content.destroy(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  // Whoever reads it gets the error; this is for one that nobody reads any more.
  content.on("error", () => {});
  try {
    return await guarded("storing a file", signal, faultOf, () =>
      work({ chunks: read(), bytes: () => bytes }),
    );
  } catch (error) {
    content.destroy();
    if (failure && !signal.aborted) throw failure.error;
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Waits for something that takes no signal: until it is done, the signal is aborted, or `limitMs` are over. */
export async function within<T>(signal: AbortSignal, limitMs: number, work: Promise<T>): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(limit.reason);
  limit.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    limit.removeEventListener("abort", abort);
  }
}
