import { createHash, randomUUID } from "node:crypto";
import {
  faultOfError,
  faultOfStatus,
  guarded,
  guardedUpload,
  type Source,
  storeError,
  within,
} from "./faults.ts";
import { createHttpClient, type HttpAnswer, type HttpCall, type HttpClient } from "./http.ts";
import { createKeystone, type Keystone, type Session } from "./keystone.ts";
import { createReader, type Reader } from "./reader.ts";
import type { StoreOptions, SwiftSettings } from "./settings.ts";
import { type ListOptions, type Page, type Store, type StoredFile, StoreError } from "./store.ts";
import { allowedDigest, temporaryUrl } from "./temp-url.ts";

/** How long Swift may say nothing, in milliseconds; it looks at every segment before it takes a manifest. */
const limitMs = 30_000;
/** A file that is known to be no larger is sent at once, and may be sent again. In bytes. */
const smallBytes = 1024 * 1024;
/** A manifest names at most 1,000 segments (Swift, "max_manifest_segments"): 64 GB, if the length is not known. */
const segmentBytes = 64 * 1024 * 1024;
const maxSegments = 1_000;

/** A request to the account, with what its URL continues by: `/container/object`, encoded. */
interface AccountCall extends Omit<HttpCall, "url"> {
  readonly path: string;
}

interface Account {
  readonly container: string;
  readonly segments: string;
  readonly keystone: Keystone;
  readonly client: HttpClient;
  /** With a token; with a new one, once, when it is refused. @throws {StoreError} for a status that is not expected */
  ask(operation: string, call: AccountCall, ...expected: number[]): Promise<HttpAnswer>;
}

/**
 * Opens a container of OpenStack Swift. A file of more than 1 MiB is a static large object, because nothing else can be
 * sent in pieces that appear as one.
 */
export function openSwift(settings: SwiftSettings, options: StoreOptions = {}): Store {
  const account = openAccount(settings, options.idleMs ?? limitMs);
  const { container, client, keystone } = account;
  const inTurn = turns();
  let digest: Promise<"sha256" | "sha1"> | undefined;
  const digestOf = async (session: Session, signal: AbortSignal) => {
    digest ??= allowedDigest(client, session.storageUrl, AbortSignal.timeout(limitMs));
    digest.catch(() => {
      digest = undefined;
    });
    return within(signal, limitMs, digest);
  };
  const call = <T>(operation: string, signal: AbortSignal, work: () => Promise<T>) =>
    guarded(operation, signal, faultOfError, work);
  return {
    bucket: container,
    list: (listing) => call("listing files", listing.signal, () => list(account, listing)),
    put: (name, content, { contentType, size, signal }) =>
      guardedUpload(content, signal, faultOfError, async (source) => {
        const most = Math.max(options.segmentBytes ?? segmentBytes, Math.ceil((size ?? 0) / maxSegments));
        const upload = await send(account, name, source, most, signal);
        try {
          await inTurn(name, () => publish(account, name, contentType, upload, signal));
        } catch (error) {
          await discardUnlessPublished(account, name, upload, error);
          throw error;
        }
        return { name, size: source.bytes(), modified: new Date(), contentType };
      }),
    presign: (name, { expiresSeconds, contentDisposition, signal }) =>
      call("signing a URL", signal, async () => {
        const session = await keystone.session(signal);
        return temporaryUrl({
          url: `${session.publicUrl}/${container}/${encodeURIComponent(name)}`,
          object: `${new URL(session.publicUrl).pathname}/${container}/${name}`,
          key: settings.SWIFT_TEMP_URL_KEY,
          digest: await digestOf(session, signal),
          expires: Math.floor(Date.now() / 1000) + expiresSeconds,
          contentDisposition,
        });
      }),
    stat: (name, signal) =>
      call("looking at a file", signal, async () => (await look(account, name, signal))?.file),
    delete: (name, signal) =>
      call("deleting a file", signal, () => inTurn(name, () => remove(account, name, signal))),
    close: async () => client.close(),
  };
}

function openAccount(settings: SwiftSettings, idleMs: number): Account {
  const client = createHttpClient(idleMs);
  const keystone = createKeystone(settings, client);
  const withToken = ({ path, ...call }: AccountCall, { token, storageUrl }: Session) =>
    client.call({ ...call, url: storageUrl + path, headers: { ...call.headers, "x-auth-token": token } });
  return {
    container: settings.BUCKET,
    segments: `${settings.BUCKET}_segments`,
    keystone,
    client,
    ask: async (operation, call, ...expected) => {
      const session = await keystone.session(call.signal);
      let answer = await withToken(call, session);
      const again = call.body === undefined || typeof call.body === "string" || Buffer.isBuffer(call.body);
      if (answer.status === 401 && again) {
        answer = await withToken(call, await keystone.renew(session, call.signal));
      }
      if (expected.includes(answer.status)) return answer;
      const cause = new Error(`Swift answered ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
      throw storeError(faultOfStatus(answer.status), operation, cause);
    },
  };
}

interface ListedObject {
  readonly name: string;
  readonly bytes: number;
  /** In UTC, without saying so. */
  readonly last_modified: string;
}

async function list(account: Account, { prefix, after, limit, signal }: ListOptions): Promise<Page> {
  const query = new URLSearchParams({
    format: "json",
    limit: String(limit + 1),
    ...(prefix !== undefined && { prefix }),
    ...(after !== undefined && { marker: after }),
  });
  const path = `/${account.container}?${query}`;
  const { body } = await account.ask("listing files", { method: "GET", path, signal }, 200);
  const objects = JSON.parse(body.toString()) as ListedObject[];
  const files = objects.slice(0, limit).map(({ name, bytes, last_modified }) => ({
    name,
    size: bytes,
    modified: new Date(`${last_modified}Z`),
  }));
  return { files, more: objects.length > limit };
}

function pathOf(container: string, name: string): string {
  return `/${container}/${encodeURIComponent(name)}`;
}

interface Found {
  readonly file: StoredFile;
  /** Whether it is a manifest, with segments of its own. */
  readonly large: boolean;
}

async function look(account: Account, name: string, signal: AbortSignal): Promise<Found | undefined> {
  const path = pathOf(account.container, name);
  const { status, headers } = await account.ask(
    "looking at a file",
    { method: "HEAD", path, signal },
    200,
    404,
  );
  if (status === 404) return undefined;
  const file = {
    name,
    size: Number(headers["content-length"]),
    modified: new Date(headers["last-modified"] ?? 0),
    contentType: headers["content-type"] ?? "application/octet-stream",
  };
  return { file, large: headers["x-static-large-object"] === "True" };
}

interface Segment {
  /** `/container/object`, not encoded. */
  readonly path: string;
  readonly etag: string;
  readonly size_bytes: number;
}

/** What is ready to become a file: its content, or where that lies. */
type Upload = { readonly content: Buffer } | { readonly segments: readonly Segment[] };

/** Reads a file to its end: into memory when it is small, else into segments, which are deleted when that fails. */
async function send(
  account: Account,
  name: string,
  { chunks }: Source,
  most: number,
  signal: AbortSignal,
): Promise<Upload> {
  const reader = createReader(chunks);
  const content = await reader.whole(Math.min(smallBytes, most));
  if (content) return { content };
  // By the name's hash, which fits whatever the name: what was left behind can be found by it.
  const hash = createHash("sha256").update(name).digest("hex");
  const folder = `/${account.segments}/${hash}/${new Date().toISOString()}-${randomUUID()}`;
  const segments: Segment[] = [];
  try {
    while (!(await reader.ended())) {
      const path = `${folder}/${String(segments.length).padStart(5, "0")}`;
      await prepareSegments(account, signal);
      segments.push({ path, etag: "", size_bytes: 0 });
      segments[segments.length - 1] = await sendSegment(account, path, reader, most, signal);
    }
    return { segments };
  } catch (error) {
    await deleteSegments(account, segments, error);
    throw error;
  }
}

async function sendSegment(
  account: Account,
  path: string,
  reader: Reader,
  most: number,
  signal: AbortSignal,
): Promise<Segment> {
  const part = reader.part(most);
  const hash = createHash("md5");
  async function* hashed() {
    for await (const chunk of part.chunks) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const { headers } = await account.ask(
    "storing a segment",
    { method: "PUT", path, body: hashed(), signal },
    201,
  );
  const etag = hash.digest("hex");
  if (headers.etag !== etag)
    throw storeError("unavailable", "storing a segment", new Error("it arrived damaged"));
  return { path, etag, size_bytes: part.bytes() };
}

/** Makes sure of the container for segments and, by the way, of the token: a stream cannot be sent again with another. */
async function prepareSegments(account: Account, signal: AbortSignal): Promise<void> {
  const path = `/${account.segments}`;
  const { status } = await account.ask("storing a file", { method: "HEAD", path, signal }, 200, 204, 404);
  if (status === 404) await account.ask("storing a file", { method: "PUT", path, signal }, 201, 202);
}

/** Makes an upload the file of that name, in one step; then deletes the segments of the one it replaces. */
async function publish(
  account: Account,
  name: string,
  contentType: string,
  upload: Upload,
  signal: AbortSignal,
): Promise<void> {
  const replaced = await manifest(account, name, signal);
  const large = "segments" in upload;
  const path = pathOf(account.container, name) + (large ? "?multipart-manifest=put" : "");
  const headers = { "content-type": contentType };
  const body = large ? JSON.stringify(upload.segments) : upload.content;
  await account.ask("storing a file", { method: "PUT", path, headers, body, signal }, 201);
  await deleteSegments(account, replaced).catch((error: Error) => {
    process.emitWarning(`${error.message}; the file that they belonged to has been replaced`);
  });
}

/** The segments of the file of that name; empty when it has none. */
async function manifest(account: Account, name: string, signal: AbortSignal): Promise<Segment[]> {
  if (!(await look(account, name, signal))?.large) return [];
  const path = `${pathOf(account.container, name)}?multipart-manifest=get`;
  const { status, headers, body } = await account.ask(
    "storing a file",
    { method: "GET", path, signal },
    200,
    404,
  );
  if (status === 404 || headers["x-static-large-object"] !== "True") return [];
  const listed = JSON.parse(body.toString()) as { name: string; hash: string; bytes: number }[];
  return listed.map(({ name: segment, hash, bytes }) => ({ path: segment, etag: hash, size_bytes: bytes }));
}

/** After a failure of which nobody knows whether the file was made, its segments are left if it was, or may have been. */
async function discardUnlessPublished(account: Account, name: string, upload: Upload, reason: unknown) {
  if (!("segments" in upload)) return;
  const published = await manifest(account, name, AbortSignal.timeout(limitMs));
  const first = upload.segments[0]?.path;
  if (!published.some(({ path }) => path === first)) await deleteSegments(account, upload.segments, reason);
}

/** Deletes segments whether or not they are there. */
async function deleteSegments(account: Account, segments: readonly Segment[], reason?: unknown) {
  for (const { path } of segments) {
    // What an upload leaves is deleted even though, or because, its caller has gone.
    const signal = AbortSignal.timeout(limitMs);
    try {
      await account.ask("deleting a segment", { method: "DELETE", path, signal }, 204, 404);
    } catch (error) {
      const cause = new AggregateError([reason, error], `${path} and what follows it were left behind`);
      const fault = [reason, error].find((failure) => failure instanceof StoreError)?.fault ?? "unavailable";
      throw storeError(fault, `deleting the segments in ${account.segments}`, cause);
    }
  }
}

async function remove(account: Account, name: string, signal: AbortSignal): Promise<boolean> {
  const found = await look(account, name, signal);
  if (!found) return false;
  const path = pathOf(account.container, name);
  if (!found.large) {
    return (
      (await account.ask("deleting a file", { method: "DELETE", path, signal }, 204, 404)).status === 204
    );
  }
  const call = {
    method: "DELETE",
    path: `${path}?multipart-manifest=delete`,
    headers: { accept: "application/json" },
    signal,
  };
  const { body } = await account.ask("deleting a file", call, 200);
  const result = JSON.parse(body.toString()) as { "Response Status": string; "Number Deleted": number };
  if (result["Response Status"].startsWith("2")) return true;
  throw storeError("unavailable", "deleting a file", new Error(`Swift answered ${JSON.stringify(result)}`));
}

/** Does what concerns one name one after the other: each then sees the segments that the one before it left. */
function turns() {
  const last = new Map<string, Promise<unknown>>();
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const before = last.get(name);
    const mine = Promise.allSettled([before]).then(work);
    last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (last.get(name) === mine) last.delete(name);
    }
  };
}
