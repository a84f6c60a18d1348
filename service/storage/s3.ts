import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import {
  faultOfError,
  faultOfStatus,
  filesPrefix,
  guarded,
  guardedUpload,
  keyOf,
  storeError,
} from "./faults.ts";
import { LeftBehindError, maxUnknownBytes, statusOf, uploadMemory, uploadToS3 } from "./s3-upload.ts";
import type { S3Settings, StoreOptions } from "./settings.ts";
import {
  type BucketStore,
  type ListOptions,
  type Page,
  type Replacement,
  StoreConflictError,
  type StoredDocument,
  type StoreFault,
  StoreNameError,
} from "./store.ts";

/** How long a connection may take to be made, and then stand still, in milliseconds. */
const limits = { connect: 5_000, idle: 20_000 };

/** Opens a bucket of S3, or of a server that speaks its protocol at `S3_ENDPOINT`. */
export function openS3(
  settings: S3Settings,
  { idleMs = limits.idle, prefix = filesPrefix }: StoreOptions = {},
): BucketStore {
  const { BUCKET: bucket, AWS_REGION: region, AWS_PROFILE: profile, S3_ENDPOINT: endpoint } = settings;
  const client = new S3Client({
    region,
    ...(profile && { profile }),
    ...(endpoint && { endpoint, forcePathStyle: true }),
    requestHandler: { connectionTimeout: limits.connect, socketTimeout: idleMs },
    maxAttempts: 3,
    // What older servers of the protocol do not know is only sent where it must be; parts have their hash anyway.
    requestChecksumCalculation: endpoint ? "WHEN_REQUIRED" : "WHEN_SUPPORTED",
    followRegionRedirects: false,
  });
  const objectOf = (name: string) => ({ Bucket: bucket, Key: keyOf(name, prefix) });
  return {
    bucket,
    maxUnknownBytes,
    uploadMemory,
    list: (options) =>
      guarded("listing files", options.signal, faultOf, () => list(client, bucket, prefix, options)),
    put: (name, content, { contentType, size, hash, signal }) =>
      guardedUpload(content, signal, faultOf, async ({ chunks, bytes }) => {
        const target = { ...objectOf(name), ContentType: contentType, ...(hash && { Metadata: { hash } }) };
        await uploadToS3({ client, target, size, signal }, chunks).catch(failedUpload);
        return { name, size: bytes(), modified: new Date(), contentType };
      }),
    presign: (name, { expiresSeconds, contentDisposition, signal }) =>
      guarded("signing a URL", signal, faultOf, () =>
        getSignedUrl(
          client,
          new GetObjectCommand({
            ...objectOf(name),
            ResponseContentDisposition: contentDisposition,
          }),
          { expiresIn: expiresSeconds },
        ),
      ),
    stat: (name, signal) =>
      guarded("looking at a file", signal, faultOf, () => stat(client, objectOf, name, signal)),
    delete: (name, signal) =>
      guarded("deleting a file", signal, faultOf, async () => {
        if (!(await stat(client, objectOf, name, signal))) return false;
        await client.send(new DeleteObjectCommand(objectOf(name)), { abortSignal: signal });
        return true;
      }),
    read: (name, signal) =>
      guarded("reading a document", signal, faultOf, () => read(client, objectOf(name), signal)),
    replace: (name, content, change) =>
      guarded("changing a document", change.signal, faultOf, () =>
        replace(client, objectOf(name), content, change),
      ),
    close: async () => client.destroy(),
  };
}

interface ObjectOfBucket {
  readonly Bucket: string;
  readonly Key: string;
}

async function read(
  client: S3Client,
  object: ObjectOfBucket,
  signal: AbortSignal,
): Promise<StoredDocument | undefined> {
  try {
    const { Body, ETag = "" } = await client.send(new GetObjectCommand(object), { abortSignal: signal });
    return { content: Buffer.from((await Body?.transformToByteArray()) ?? []), version: ETag };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** Statuses for a condition that is not met, another change at this moment, and a version of what is no more. */
const notReplaced = [412, 409, 404];

async function replace(
  client: S3Client,
  object: ObjectOfBucket,
  content: Buffer,
  { before, signal }: Replacement,
): Promise<string | undefined> {
  const command = new PutObjectCommand({
    ...object,
    Body: content,
    ContentType: "application/json",
    ...(before === undefined ? { IfNoneMatch: "*" } : { IfMatch: before }),
  });
  try {
    return (await client.send(command, { abortSignal: signal })).ETag;
  } catch (error) {
    // A 404 is the bucket's own where no version was named.
    const status = statusOf(error) ?? 0;
    if (notReplaced.includes(status) && (status !== 404 || before !== undefined)) return undefined;
    throw error;
  }
}

async function list(
  client: S3Client,
  bucket: string,
  keysPrefix: string,
  { prefix, after, limit, signal }: ListOptions,
): Promise<Page> {
  const command = new ListObjectsV2Command({
    Bucket: bucket,
    Prefix: keysPrefix + (prefix ?? ""),
    MaxKeys: limit,
    // XML cannot carry every character of a name.
    EncodingType: "url",
    ...(after !== undefined && { StartAfter: keysPrefix + after }),
  });
  const { Contents = [], IsTruncated, EncodingType } = await client.send(command, { abortSignal: signal });
  const nameOf = (key: string) =>
    (EncodingType === "url" ? decodeURIComponent(key.replaceAll("+", " ")) : key).slice(keysPrefix.length);
  const files = Contents.map(({ Key = "", Size = 0, LastModified = new Date(0) }) => ({
    name: nameOf(Key),
    size: Size,
    modified: LastModified,
  }));
  return { files, more: IsTruncated ?? false };
}

async function stat(
  client: S3Client,
  objectOf: (name: string) => ObjectOfBucket,
  name: string,
  signal: AbortSignal,
) {
  try {
    const command = new HeadObjectCommand(objectOf(name));
    const head = await client.send(command, { abortSignal: signal });
    return {
      name,
      size: head.ContentLength ?? 0,
      modified: head.LastModified ?? new Date(0),
      ...(head.ContentType && { contentType: head.ContentType }),
      ...(head.Metadata?.hash && { hash: head.Metadata.hash }),
    };
  } catch (error) {
    if (statusOf(error) === 404 || error instanceof StoreNameError) return undefined;
    throw error;
  }
}

/** What servers of the protocol answer to a key that they cannot keep; those with a file for each, also beside others. */
const refusals = ["KeyTooLongError", "InvalidURI"];
const conflicts = ["ExistingObjectIsDirectory", "ObjectParentIsFile"];

function failedUpload(error: Error): never {
  if (error instanceof LeftBehindError)
    throw storeError(faultOf(error.errors[0]), "giving up a file that could not be stored", error);
  if (refusals.includes(error.name))
    throw new StoreNameError("The bucket cannot keep a file of this name", { cause: error });
  if (!conflicts.includes(error.name)) throw error;
  throw new StoreConflictError("The bucket cannot keep a file of this name beside those that it has", {
    cause: error,
  });
}

/** Names of errors that come before any request is sent. */
const withoutCredentials = ["CredentialsProviderError", "TokenProviderError"];

function faultOf(error: unknown): StoreFault {
  const { name } = error as Error;
  if (withoutCredentials.includes(name)) return "denied";
  if (/^(SlowDown|Throttling|ThrottlingException|TooManyRequests|RequestLimitExceeded)/.test(name))
    return "busy";
  if (name === "RequestTimeout") return "timeout";
  const status = statusOf(error);
  return status === undefined || status < 400 ? faultOfError(error) : faultOfStatus(status);
}
