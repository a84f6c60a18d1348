import { createHash, randomUUID } from "node:crypto";
import { storeError } from "./faults.ts";
import type { Reader } from "./reader.ts";
import { StoreError } from "./store.ts";
import { type Account, limitMs, segmentsFolder } from "./swift-account.ts";

/**
 * How long a segment lasts that belongs to no file yet, so that what a process leaves that dies goes by itself; an
 * upload may take no longer. As many days as S3 keeps broken uploads here (providers/aws/bucket.ts).
 */
const unfinishedDays = 7;
/** How many segments' expiry is removed at a time. */
const atATime = 8;

/** A part of a file, as its manifest names it (Swift, "Static Large Objects"). */
export interface Segment {
  /** `/container/object`, not encoded; older ones are in a container of their own. */
  readonly path: string;
  readonly etag: string;
  readonly size_bytes: number;
}

/**
 * Sends a file as segments of `maxBytes` bytes, which expire unless they are kept; deletes them when that fails.
 * @throws {StoreError} when one cannot be stored; and what the reader fails with
 */
export async function sendSegments(
  account: Account,
  name: string,
  reader: Reader,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Segment[]> {
  // By the name's hash, which fits whatever the name: what was left behind can be found by it.
  const hash = createHash("sha256").update(name).digest("hex");
  const folder = `/${account.container}/${segmentsFolder}/${hash}/${new Date().toISOString()}-${randomUUID()}`;
  const segments: Segment[] = [];
  try {
    while (!(await reader.ended())) {
      const path = `${folder}/${String(segments.length).padStart(5, "0")}`;
      await renewToken(account, signal);
      segments.push({ path, etag: "", size_bytes: 0 });
      segments[segments.length - 1] = await sendSegment(account, path, reader, maxBytes, signal);
    }
    return segments;
  } catch (error) {
    await deleteSegments(account, segments, error);
    throw error;
  }
}

async function sendSegment(
  account: Account,
  path: string,
  reader: Reader,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Segment> {
  const part = reader.part(maxBytes);
  const hash = createHash("md5");
  async function* hashed() {
    for await (const chunk of part.chunks) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const { headers } = await account.ask(
    "storing a segment",
    {
      method: "PUT",
      path: encoded(path),
      headers: { "x-delete-after": unfinishedDays * 86_400 },
      body: hashed(),
      signal,
    },
    201,
  );
  const etag = hash.digest("hex");
  if (headers.etag !== etag)
    throw storeError("unavailable", "storing a segment", new Error("it arrived damaged"));
  return { path, etag, size_bytes: part.bytes() };
}

/** Makes sure of the token, because a stream cannot be sent again with another; and of the container, by the way. */
async function renewToken(account: Account, signal: AbortSignal): Promise<void> {
  const path = `/${account.container}`;
  await account.ask("storing a file", { method: "HEAD", path, signal }, 200, 204);
}

/** A segment's path as a URL has it; the rest of it needs no encoding. */
function encoded(path: string): string {
  return path.replace(segmentsFolder, encodeURIComponent(segmentsFolder));
}

/**
 * Lets segments last: to be done before a manifest names them, because no file may lose its content. A process that
 * dies between the two leaves segments for good; neither order is without such a moment, and the other costs a file.
 * @throws {StoreError} when one of them cannot be kept, or is gone
 */
export async function keepSegments(
  account: Account,
  segments: readonly Segment[],
  signal: AbortSignal,
): Promise<void> {
  for (let first = 0; first < segments.length; first += atATime) {
    const some = segments.slice(first, first + atATime);
    await Promise.all(some.map((segment) => keepSegment(account, segment, signal)));
  }
}

async function keepSegment(account: Account, { path }: Segment, signal: AbortSignal): Promise<void> {
  // Swift forgets an expiry that a POST does not set again (Object Storage API, "Create or update object metadata");
  // Ceph's Swift API keeps it unless told so (rgw_rest_swift.cc, get_delete_at_param).
  const headers = { "x-remove-delete-at": "true" };
  const { status } = await account.ask(
    "storing a file",
    { method: "POST", path: encoded(path), headers, signal },
    202,
    404,
  );
  if (status === 202) return;
  const cause = new Error(`${path} is gone: an upload may take ${unfinishedDays} days`);
  throw storeError("unavailable", "storing a file", cause);
}

/** Deletes segments whether or not they are there. @param reason what they are deleted for, to be told with a failure */
export async function deleteSegments(
  account: Account,
  segments: readonly Segment[],
  reason?: unknown,
): Promise<void> {
  for (const { path } of segments) {
    // What an upload leaves is deleted even though, or because, its caller has gone.
    const signal = AbortSignal.timeout(limitMs);
    try {
      await account.ask("deleting a segment", { method: "DELETE", path: encoded(path), signal }, 204, 404);
    } catch (error) {
      const cause = new AggregateError([reason, error], `${path} and what follows it were left behind`);
      const fault = [reason, error].find((failure) => failure instanceof StoreError)?.fault ?? "unavailable";
      throw storeError(fault, `deleting the segments of a file in ${account.container}`, cause);
    }
  }
}
