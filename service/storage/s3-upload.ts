import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createReader, type Reader } from "./reader.ts";

/** S3 takes parts of 5 MiB or more, all but the last of the same size for the servers of its protocol that want so. */
const partBytes = 6 * 1024 * 1024;
const maxParts = 10_000;
/** The longest stream that can be stored when its length is not said before: 62.9 GB. In bytes. */
export const maxUnknownBytes = partBytes * maxParts;
/** Parts of a file that are read or sent at a time. Their buffers are used again and again: an upload's memory. */
const partsAtOnce = 3;

/** Where a file goes, and what is known of it. */
export interface S3Upload {
  readonly client: S3Client;
  readonly target: {
    readonly Bucket: string;
    readonly Key: string;
    readonly ContentType: string;
    readonly Metadata?: Record<string, string>;
  };
  /** In bytes, when it is known before. */
  readonly size?: number | undefined;
  readonly signal: AbortSignal;
}

/** A multipart upload that failed, and could not be given up either: its parts are still there, and cost money. */
export class LeftBehindError extends AggregateError {}

/**
 * Stores a stream in one request, or in parts when it has more than one part's worth. When it fails no part is left;
 * nothing is aborted while its parts are still on their way, which would leave those behind.
 *
 * `Upload` of @aws-sdk/lib-storage does the same with twice the memory, as it copies each part, and reads on when one
 * has failed.
 * @throws {LeftBehindError} when parts are left
 */
export async function uploadToS3(upload: S3Upload, chunks: AsyncGenerator<Buffer, void>): Promise<void> {
  const { client, target, size, signal } = upload;
  const reader = createReader(chunks);
  const content = size === undefined || size <= partBytes ? await reader.whole(partBytes) : undefined;
  if (content) {
    await client.send(new PutObjectCommand({ ...target, Body: content }), { abortSignal: signal });
    return;
  }
  // Parts then carry the same kind of checksum, which the SDK computes.
  const checksum = (await client.config.requestChecksumCalculation()) === "WHEN_SUPPORTED";
  const create = { ...target, ...(checksum && { ChecksumAlgorithm: "CRC32" as const }) };
  // What has been asked to begin or to complete may have done so: its answer is waited for, whoever hangs up.
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(create));
  const { Bucket, Key } = target;
  const multipart = { Bucket, Key, UploadId };
  try {
    signal.throwIfAborted();
    const Parts = await sendParts(reader, sizeOfParts(size), async (Body, PartNumber) => {
      const part = new UploadPartCommand({ ...multipart, Body, PartNumber });
      const { ETag, ChecksumCRC32 } = await client.send(part, { abortSignal: signal });
      return { PartNumber, ETag, ...(ChecksumCRC32 && { ChecksumCRC32 }) };
    });
    signal.throwIfAborted();
    await client.send(new CompleteMultipartUploadCommand({ ...multipart, MultipartUpload: { Parts } }));
  } catch (error) {
    await giveUp(client, multipart, error);
    throw error;
  }
}

/** Bytes of a file that are on their way between client, parts and S3, at most; measured with ten uploads at once. */
const bytesInTransit = 6 * 1024 * 1024;

/** What an upload holds in memory at most, in bytes: 24 MiB up to 62.9 GB, then more, as its parts must be larger. */
export function uploadMemory(size: number | undefined): number {
  return partsAtOnce * sizeOfParts(size) + bytesInTransit;
}

function sizeOfParts(size = 0): number {
  return Math.max(partBytes, Math.ceil(size / maxParts));
}

/** Reads parts one after the other, and sends some at once; the first failure ends them all. */
async function sendParts(
  reader: Reader,
  bytes: number,
  send: (part: Buffer, number: number) => Promise<CompletedPart>,
): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = [];
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  let number = 0;
  let reading: Promise<unknown> = Promise.resolve();
  const lane = async () => {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    for (;;) {
      const read = reading.then(async () => ({ part: await fill(buffer, reader), number: ++number }));
      reading = read;
      const next = await Promise.race([read, failed]);
      if (next.part.length === 0) return;
      parts[next.number - 1] = await send(next.part, next.number);
    }
  };
  const lanes = Array.from({ length: partsAtOnce }, async () => {
    await lane().catch((error) => {
      fail(error);
      throw error;
    });
  });
  try {
    await Promise.all(lanes);
    return parts;
  } finally {
    await Promise.allSettled(lanes);
  }
}

/** The part of the buffer that the stream fills: all of it, until the stream ends. */
async function fill(buffer: Buffer, reader: Reader): Promise<Buffer> {
  let bytes = 0;
  for await (const chunk of reader.part(buffer.length).chunks) bytes += chunk.copy(buffer, bytes);
  return buffer.subarray(0, bytes);
}

type Multipart = { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined };

/** The status that an error of the SDK came with; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** Deletes the parts of an upload that failed for the `reason`. */
async function giveUp(client: S3Client, multipart: Multipart, reason: unknown): Promise<void> {
  try {
    await client.send(new AbortMultipartUploadCommand(multipart));
  } catch (error) {
    if (statusOf(error) === 404) return;
    throw new LeftBehindError([reason, error], `the parts of upload ${multipart.UploadId} were left behind`);
  }
}
