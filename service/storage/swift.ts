import { faultOfError, guarded, guardedUpload, type Source, storeError, within } from "./faults.ts";
import type { Session } from "./keystone.ts";
import { createReader } from "./reader.ts";
import type { StoreOptions, SwiftSettings } from "./settings.ts";
import type { BucketStore, ListOptions, Page, StoredFile } from "./store.ts";
import { type Account, limitMs, openAccount, service } from "./swift-account.ts";
import { readDocument, replaceDocument } from "./swift-documents.ts";
import { deleteSegments, keepSegments, type Segment, sendSegments } from "./swift-segments.ts";
import { allowedDigest, temporaryUrl } from "./temp-url.ts";

/** A file that is known to be no larger is sent at once, and may be sent again. In bytes. */
const smallBytes = 1024 * 1024;
/** A manifest names at most 1,000 segments (Swift, "max_manifest_segments"): 64 GB, if the length is not known. */
const segmentBytes = 64 * 1024 * 1024;
const maxSegments = 1_000;
/** Where the files of a container begin, behind their segments (swift-account.ts). */
const behindSegments = "\u001f";
/** What Swift keeps beside an object and gives back with it. */
const hashHeader = "x-object-meta-hash";

/**
 * Opens a container of OpenStack Swift. A file of more than 1 MiB is a static large object, because nothing else can be
 * sent in pieces that appear as one.
 */
export function openSwift(settings: SwiftSettings, options: StoreOptions = {}): BucketStore {
  const account = openAccount(settings, options.idleMs);
  const { container, client, keystone } = account;
  const inTurn = turns();
  let digest: Promise<"sha256" | "sha1"> | undefined;
  const digestOf = async (session: Session, signal: AbortSignal) => {
    digest ??= allowedDigest(client, session.urlOf(service), AbortSignal.timeout(limitMs));
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
    put: (name, content, { contentType, size, hash, signal }) =>
      guardedUpload(content, signal, faultOfError, async (source) => {
        const maxBytes = Math.max(options.segmentBytes ?? segmentBytes, Math.ceil((size ?? 0) / maxSegments));
        const headers = { "content-type": contentType, ...(hash && { [hashHeader]: hash }) };
        const upload = await send(account, name, source, maxBytes, signal);
        try {
          await inTurn(name, () => publish(account, name, headers, upload, signal));
        } catch (error) {
          await discardUnlessPublished(account, name, upload, error);
          throw error;
        }
        return { name, size: source.bytes(), modified: new Date(), contentType };
      }),
    presign: (name, { expiresSeconds, contentDisposition, signal }) =>
      call("signing a URL", signal, async () => {
        const key = settings.SWIFT_TEMP_URL_KEY;
        if (key === undefined) {
          const cause = new Error("no SWIFT_TEMP_URL_KEY is set, which links are signed with");
          throw storeError("unsupported", "signing a URL", cause);
        }
        const session = await keystone.session(signal);
        // The public one is where downloads come from.
        const publicUrl = session.urlOf(service, "public");
        return temporaryUrl({
          url: `${publicUrl}/${container}/${encodeURIComponent(name)}`,
          object: `${new URL(publicUrl).pathname}/${container}/${name}`,
          key,
          digest: await digestOf(session, signal),
          expires: Math.floor(Date.now() / 1000) + expiresSeconds,
          contentDisposition,
        });
      }),
    stat: (name, signal) =>
      call("looking at a file", signal, async () => (await look(account, name, signal))?.file),
    delete: (name, signal) =>
      call("deleting a file", signal, () => inTurn(name, () => remove(account, name, signal))),
    read: (name, signal) => call("reading a document", signal, () => readDocument(account, name, signal)),
    replace: (name, content, change) =>
      call("changing a document", change.signal, () => replaceDocument(account, name, content, change)),
    close: async () => client.close(),
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
    marker: after ?? behindSegments,
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
    ...(headers[hashHeader] && { hash: String(headers[hashHeader]) }),
  };
  return { file, large: headers["x-static-large-object"] === "True" };
}

/** What is ready to become a file: its content, or where that lies. */
type Upload = { readonly content: Buffer } | { readonly segments: readonly Segment[] };

/** Reads a file to its end: into memory when it is small, else into segments, which are deleted when that fails. */
async function send(
  account: Account,
  name: string,
  { chunks }: Source,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Upload> {
  const reader = createReader(chunks);
  const content = await reader.whole(Math.min(smallBytes, maxBytes));
  if (content) return { content };
  return { segments: await sendSegments(account, name, reader, maxBytes, signal) };
}

/** Makes an upload the file of that name, in one step; then deletes the segments of the one it replaces. */
async function publish(
  account: Account,
  name: string,
  headers: Readonly<Record<string, string>>,
  upload: Upload,
  signal: AbortSignal,
): Promise<void> {
  const replaced = await manifest(account, name, signal);
  const large = "segments" in upload;
  if (large) await keepSegments(account, upload.segments, signal);
  const path = pathOf(account.container, name) + (large ? "?multipart-manifest=put" : "");
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
