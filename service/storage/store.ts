import type { Readable } from "node:stream";

/** A stored file, as a listing or a look at it shows it. */
export interface StoredFile {
  /** Its name as the client gave it, without any prefix that the store keeps it under. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly modified: Date;
  /** Absent where a listing does not say. */
  readonly contentType?: string;
  /** What it was put with, where it was put with one; a listing does not say, nor does the local store. */
  readonly hash?: string;
}

export interface ListOptions {
  /** Only names that start so. */
  readonly prefix?: string;
  /** Only names behind this one, in the order of their UTF-8 bytes. */
  readonly after?: string;
  /** How many at most, 1 to 1,000. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface Page {
  /** In the order of their names' UTF-8 bytes. */
  readonly files: readonly StoredFile[];
  /** Whether there are more behind the last of them. */
  readonly more: boolean;
}

export interface PutOptions {
  readonly contentType: string;
  /** In bytes, when the client says so before it sends. */
  readonly size?: number;
  /** What its content has been found to be, such as `sha256:…`: kept beside it, and not compared. */
  readonly hash?: string;
  readonly signal: AbortSignal;
}

export interface PresignOptions {
  readonly expiresSeconds: number;
  /** The answer's `Content-Disposition`, already safe for a header. */
  readonly contentDisposition: string;
  readonly signal: AbortSignal;
}

/** A small object that several change, with what a change of it must name. */
export interface StoredDocument {
  readonly content: Buffer;
  /** Another one after every change. */
  readonly version: string;
}

/** A change of a document. */
export interface Replacement {
  /** The version that it is a change of; absent: there must be none yet. */
  readonly before?: string;
  readonly signal: AbortSignal;
}

/** Why a store could not do what it was asked for. `busy` may be tried again later; `denied` is a matter of its configuration, `full` of its room; `unsupported` is what it never does. */
export type StoreFault = "busy" | "timeout" | "unavailable" | "denied" | "full" | "unsupported";

/** A store's failure, in words that hold no key, token or inner address; the cause has the rest, for the log. */
export class StoreError extends Error {
  readonly fault: StoreFault;

  constructor(fault: StoreFault, message: string, cause?: unknown) {
    super(message, { cause });
    this.fault = fault;
  }
}

/** A name that this store cannot keep, in words for the client. */
export class StoreNameError extends Error {
  /** The HTTP status to answer with. */
  readonly statusCode: number = 400;
}

/** A name that this store cannot keep beside those that it has. */
export class StoreConflictError extends StoreNameError {
  override readonly statusCode = 409;
}

/**
 * An object store, as the file API needs it. Names are any 1 to 1,024 bytes of UTF-8 without control characters, less
 * the 6 of the prefix where there is one (S3, Google Cloud Storage); files lie under a prefix or in a container of their
 * own, apart from releases. Every operation ends, within its time-outs or when its signal is aborted. It fails with a
 * StoreError; with the signal's reason or the stream's own error, where it is they that ended it.
 */
export interface Store {
  /** What it is and where, for the answers and the log: the bucket's name. */
  readonly bucket: string;
  /** The largest file whose size need not be known before it is put, in bytes; absent: any that the store keeps. */
  readonly maxUnknownBytes?: number;
  /** What an upload of so many bytes, or of an unknown number, holds in memory at most, in bytes; absent: 24 MiB. */
  uploadMemory?(size: number | undefined): number;
  list(options: ListOptions): Promise<Page>;
  /**
   * Stores a stream of unknown length, never whole in memory or on disk. The file appears whole or not at all: when the
   * stream fails or the signal is aborted, nothing is left, no half object and no orphaned upload. Of two at once the
   * last that completes wins.
   * @throws {StoreNameError} when the store has no room for such a name, or, as a StoreConflictError, not beside others
   */
  put(name: string, content: Readable, options: PutOptions): Promise<StoredFile>;
  /** A URL from which anybody can download the file until it expires. Says nothing of whether there is such a file. */
  presign(name: string, options: PresignOptions): Promise<string>;
  /** Undefined when there is no such file. */
  stat(name: string, signal: AbortSignal): Promise<StoredFile | undefined>;
  /** Whether there was such a file. */
  delete(name: string, signal: AbortSignal): Promise<boolean>;
  /** Lets go of connections and timers. */
  close(): Promise<void>;
}

/** A bucket, which has documents besides files. */
export interface BucketStore extends Store {
  /** A small object; undefined when there is none. */
  read(name: string, signal: AbortSignal): Promise<StoredDocument | undefined>;
  /**
   * Stores a small object of JSON, if it is still the version that the change is one of: compare-and-set, by which of two
   * changes at once one is made. Whoever has no answer reads it again, to see whether it was.
   * @returns the new version; undefined when it was another, and nothing is changed
   */
  replace(name: string, content: Buffer, change: Replacement): Promise<string | undefined>;
}
