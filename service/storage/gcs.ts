import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  ApiError,
  type Bucket,
  type File,
  type FileMetadata,
  type GetSignedUrlConfig,
  IdempotencyStrategy,
  Storage,
} from "@google-cloud/storage";
import { faultOfError, faultOfStatus, filesPrefix, guarded, guardedUpload, keyOf, within } from "./faults.ts";
import { createReader } from "./reader.ts";
import { isPassing, type Outcome, retrying } from "./retry.ts";
import type { GcsSettings, StoreOptions } from "./settings.ts";
import {
  type BucketStore,
  type ListOptions,
  type Page,
  type Replacement,
  type StoredDocument,
  type StoredFile,
  type StoreFault,
  StoreNameError,
} from "./store.ts";

/** How long a request may take with its retries, and an upload stand still, in milliseconds. */
const limitMs = 30_000;
/** A file that is no larger is sent at once, by one request. In bytes. */
const smallBytes = 1024 * 1024;
/** What an upload keeps until the store has it, to send it again; the store wants a multiple of 256 KiB. */
const chunkBytes = 8 * 1024 * 1024;

/**
 * Opens a bucket of Google Cloud Storage, or of a server that speaks its protocol at `GCS_ENDPOINT`. URLs are signed by
 * the key of the default credentials if they have one, else by the machine's identity through IAM's signBlob, for which
 * it needs `iam.serviceAccounts.signBlob` on itself.
 */
export function openGcs(
  settings: GcsSettings,
  { idleMs = limitMs, prefix = filesPrefix }: StoreOptions = {},
): BucketStore {
  const { BUCKET, GCS_ENDPOINT } = settings;
  const base = { ...(GCS_ENDPOINT && { apiEndpoint: GCS_ENDPOINT }), timeout: idleMs };
  // The SDK's own retries go on when nobody waits for them any more, and may do then what was given up.
  const bucket = new Storage({
    ...base,
    retryOptions: { autoRetry: false },
    // These are for what it asks of IAM, which has no time-out otherwise.
    clientOptions: { transporterOptions: { timeout: idleMs, retryConfig: { retry: 0 } } },
  }).bucket(BUCKET);
  const uploads = new Storage({
    ...base,
    retryOptions: {
      maxRetries: 2,
      maxRetryDelay: 2,
      totalTimeout: idleMs / 1000,
      // Sending a piece of an upload again gives the same file.
      idempotencyStrategy: IdempotencyStrategy.RetryAlways,
    },
  }).bucket(BUCKET);
  const fileOf = (name: string) => bucket.file(keyOf(name, prefix));
  const call = <T>(operation: string, signal: AbortSignal, work: () => Promise<T>) =>
    guarded(operation, signal, faultOf, () =>
      retrying(signal, mayPass, () => within(signal, idleMs, work())),
    );
  return {
    bucket: BUCKET,
    list: (options) => call("listing files", options.signal, () => list(bucket, prefix, options)),
    put: (name, content, { contentType, hash, signal }) =>
      guardedUpload(content, signal, faultOf, async ({ chunks, bytes }) => {
        const reader = createReader(chunks);
        const content = await reader.whole(smallBytes);
        const metadata = { contentType, ...(hash && { metadata: { hash } }) };
        if (content) {
          await retrying(signal, mayPass, () => {
            const target = fileOf(name).createWriteStream({ resumable: false, metadata });
            return upload(Readable.from([content]), target, () => content.length, idleMs);
          });
        } else {
          const target = uploads
            .file(keyOf(name, prefix))
            .createWriteStream({ resumable: true, chunkSize: chunkBytes, metadata });
          const rest = Readable.from(reader.part(Number.POSITIVE_INFINITY).chunks, { objectMode: false });
          await upload(rest, target, bytes, idleMs);
        }
        return { name, size: bytes(), modified: new Date(), contentType };
      }),
    presign: (name, { expiresSeconds, contentDisposition, signal }) =>
      call("signing a URL", signal, () =>
        signUrl(fileOf(name), {
          version: "v4",
          action: "read",
          expires: Date.now() + expiresSeconds * 1000,
          responseDisposition: contentDisposition,
        }),
      ),
    stat: (name, signal) =>
      call("looking at a file", signal, () =>
        found(async () => {
          const [metadata] = await fileOf(name).getMetadata();
          return { ...described(name, metadata), ...detailsOf(metadata) };
        }),
      ),
    delete: (name, signal) =>
      call("deleting a file", signal, async () => (await found(() => fileOf(name).delete())) !== undefined),
    read: (name, signal) => call("reading a document", signal, () => found(() => read(fileOf(name)))),
    replace: (name, content, change) =>
      call("changing a document", change.signal, () => replace(fileOf(name), content, change)),
    close: async () => {},
  };
}

/** The content of one generation, and no other that came meanwhile: that one is missing then, and read anew. */
async function read(file: File): Promise<StoredDocument> {
  for (let attempt = 1; ; attempt += 1) {
    const [{ generation = "" }] = await file.getMetadata();
    try {
      const [content] = await file.bucket.file(file.name, { generation }).download();
      return { content, version: `${generation}` };
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 404) || attempt === 5) throw error;
    }
  }
}

async function replace(
  file: File,
  content: Buffer,
  { before = "0" }: Replacement,
): Promise<string | undefined> {
  try {
    await file.save(content, {
      resumable: false,
      contentType: "application/json",
      // 0 is the generation of what is not there (Cloud Storage, "Request preconditions").
      preconditionOpts: { ifGenerationMatch: before },
    });
    return `${file.metadata.generation}`;
  } catch (error) {
    if (statusOf(error) === 412) return undefined;
    throw error;
  }
}

/** Fails with what the key or IAM failed with, of which the SDK's own error keeps the message alone. */
async function signUrl(file: File, config: GetSignedUrlConfig): Promise<string> {
  const { storage } = file;
  const { authClient } = storage;
  let failure: unknown;
  const sign = (...blob: Parameters<typeof authClient.sign>) =>
    authClient.sign(...blob).catch((error: unknown) => {
      failure = error;
      throw error;
    });
  const getCredentials = () => authClient.getCredentials();
  file.storage = Object.create(storage, { authClient: { value: { sign, getCredentials } } });
  try {
    const [url] = await file.getSignedUrl(config);
    return url;
  } catch (error) {
    throw failure ?? error;
  }
}

async function list(
  bucket: Bucket,
  keysPrefix: string,
  { prefix, after, limit }: ListOptions,
): Promise<Page> {
  const files: StoredFile[] = [];
  let pageToken: string | undefined;
  // A page may have fewer than were asked for, or none; and the first has `after` itself when that exists.
  do {
    const [page, next] = (await bucket.getFiles({
      prefix: keysPrefix + (prefix ?? ""),
      ...(after !== undefined && { startOffset: keysPrefix + after }),
      ...(pageToken && { pageToken }),
      maxResults: limit + 2 - files.length,
      fields: "items(name,size,updated),nextPageToken",
      autoPaginate: false,
    })) as unknown as [FileMetadata[], { pageToken?: string } | null];
    const names = page.map((file) => described(`${file.name}`.slice(keysPrefix.length), file));
    files.push(...names.filter(({ name }) => name !== after));
    pageToken = next?.pageToken;
  } while (pageToken && files.length <= limit);
  return { files: files.slice(0, limit), more: files.length > limit };
}

function described(name: string, { size, updated }: FileMetadata): StoredFile {
  return { name, size: Number(size ?? 0), modified: new Date(updated ?? 0) };
}

function detailsOf({ contentType, metadata }: FileMetadata) {
  const hash = metadata?.hash;
  return { ...(contentType && { contentType }), ...(typeof hash === "string" && { hash }) };
}

/** Undefined for what is not there; a 404 of the metadata server is no answer of the store. */
async function found<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const isMissing = error instanceof ApiError && error.code === 404;
    if (isMissing || error instanceof StoreNameError) return undefined;
    throw error;
  }
}

/**
 * Sends a stream, and fails when the store, not the client, makes it stand still. What is sent becomes a file with its
 * last request only; the store forgets an upload that has none.
 */
async function upload(
  source: Readable,
  target: Writable,
  bytes: () => number,
  idleMs: number,
): Promise<void> {
  const stalled = new AbortController();
  let seen = -1;
  const watch = setInterval(() => {
    const waiting = target.writableNeedDrain || target.writableEnded;
    if (waiting && bytes() === seen) stalled.abort(new DOMException("no progress", "TimeoutError"));
    seen = waiting ? bytes() : -1;
  }, idleMs);
  try {
    await pipeline(source, target, { signal: stalled.signal });
  } catch (error) {
    throw stalled.signal.aborted ? stalled.signal.reason : error;
  } finally {
    clearInterval(watch);
  }
}

function statusOf(error: unknown): number | undefined {
  const { code, status, response } = error as {
    code?: unknown;
    status?: unknown;
    response?: { status?: unknown };
  };
  return [status, code, response?.status].map(Number).find((number) => number >= 400 && number < 600);
}

function mayPass(end: Outcome<unknown>): boolean {
  if (!("error" in end) || end.error instanceof StoreNameError || isUnauthorized(end.error)) return false;
  const status = statusOf(end.error);
  return status === undefined || isPassing(status);
}

/** There is neither a key nor a metadata server, or they do not sign: google-auth-library has no code for it. */
function isUnauthorized(error: unknown): boolean {
  return /default credentials|invalid_grant|Cannot sign data/.test((error as Error).message);
}

function faultOf(error: unknown): StoreFault {
  const status = statusOf(error);
  if (status !== undefined) return faultOfStatus(status);
  if (isUnauthorized(error)) return "denied";
  return (error as { type?: unknown }).type === "request-timeout" ? "timeout" : faultOfError(error);
}
