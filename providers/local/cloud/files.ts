import { randomUUID } from "node:crypto";
import { mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { NameIndex } from "./name-index.ts";
import { processStart } from "./process.ts";

/** A name or type that no file can have. */
export class FileNameError extends Error {}

export interface CloudFile {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly modified: Date;
}

export interface FileContent extends CloudFile {
  readonly contentType: string;
  /** Its bytes from `start` to `end`, both included; it is closed when they are read. */
  read(start: number, end: number): Readable;
  close(): Promise<void>;
}

/** A file name's bounds, in bytes of UTF-8. */
const maxNameBytes = 1024;
/** What follows a file's content on disk: its type, filled up with spaces. */
const trailerBytes = 512;
/** Longest name of a folder or file; file systems take 255 bytes, one of which marks a folder. */
const stepBytes = 240;
/** What `encode` never writes. */
const folderMark = "+";

/**
 * A name as a path of one or more steps: lower-case letters, digits, `-`, `_` and inner `.` as they are, everything else as
 * `%` and the two hexadecimal digits of each byte. So no name can leave its folder, hide, or be taken for another by a
 * file system that ignores case or changes accents; one that is too long for a step goes on in a folder.
 */
function encode(name: string): string {
  const bytes = [...Buffer.from(name)];
  const encoded = bytes
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[a-z0-9._-]/.test(char) ? char : `%${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
  const steps = encoded.match(new RegExp(`.{1,${stepBytes}}`, "g")) ?? [];
  return steps.map((step) => step.replace(/^\./, "%2e")).join(`${folderMark}/`);
}

function decode(path: string): string {
  const encoded = path.replaceAll(`${folderMark}/`, "");
  const bytes = encoded.match(/%..|./g) ?? [];
  return Buffer.from(
    bytes.map((text) => (text.length === 1 ? text.charCodeAt(0) : Number.parseInt(text.slice(1), 16))),
  ).toString();
}

const temporaryMark = ".upload-";

/** What the name of a file begins with that this very process writes. */
const ownMark = `${temporaryMark}${process.pid}-${processStart(process.pid)?.replace(/\W/g, "")}-`;

/** The name of a file that is on its way into a bucket; `encode` and keys of deployments make no such name. */
export function temporaryName(): string {
  return ownMark + randomUUID();
}

/** Whether a name in a bucket's folder is that of a file that is on its way into the bucket. */
export function isUnfinished(name: string): boolean {
  return name.startsWith(temporaryMark);
}

/** Whether nobody writes such a file any more: who did has ended. */
export function isAbandoned(name: string): boolean {
  const [, pid, start] = /^\.upload-(\d+)-(\w+)-/.exec(name) ?? [];
  return isUnfinished(name) && (pid === undefined || processStart(Number(pid))?.replace(/\W/g, "") !== start);
}

/** The files of a bucket's folder, whatever their names: each is one file on disk, with its type at its end. */
export class Files {
  readonly #root: string;
  readonly #temporary: string;
  readonly #names = new NameIndex(() => this.#everyName());

  /** @param bucket the bucket's folder; what is on its way into it is kept there, beside the files */
  constructor(bucket: string) {
    this.#root = join(bucket, "files");
    this.#temporary = bucket;
  }

  /** @throws FileNameError */
  #pathOf(name: string): string {
    const bytes = Buffer.byteLength(name);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (bytes === 0 || bytes > maxNameBytes || /[\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed()) {
      throw new FileNameError(
        `${JSON.stringify(name)} is no file name: it has 1 to ${maxNameBytes} bytes of UTF-8, and no control characters`,
      );
    }
    return join(this.#root, encode(name));
  }

  /** Stores a file whole or not at all. @throws FileNameError */
  async put(name: string, contentType: string, content: Readable): Promise<CloudFile> {
    const file = this.#pathOf(name);
    const trailer = Buffer.alloc(trailerBytes, " ");
    if (trailer.write(contentType) < Buffer.byteLength(contentType)) {
      throw new FileNameError(`the content type has more than ${trailerBytes} bytes`);
    }
    const temporary = join(this.#temporary, temporaryName());
    async function* withTrailer() {
      yield* content;
      yield trailer;
    }
    try {
      const handle = await open(temporary, "wx", 0o600);
      await pipeline(withTrailer, handle.createWriteStream());
      const { size, mtime } = await stat(temporary);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await rename(temporary, file);
      this.#names.add(name);
      return { name, size: size - trailerBytes, modified: mtime };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** An open file, to be read or closed; undefined when there is none. It stays the same when it is replaced. */
  async get(name: string): Promise<FileContent | undefined> {
    const handle = await absent(open(this.#pathOf(name)));
    if (!handle) return undefined;
    try {
      const { size, mtime } = await handle.stat();
      const content = size - trailerBytes;
      const { buffer } = await handle.read({ position: content, buffer: Buffer.alloc(trailerBytes) });
      return {
        name,
        size: content,
        modified: mtime,
        contentType: buffer.toString().trimEnd(),
        read: (start, end) => handle.createReadStream({ start, end }),
        close: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Whether there was one. */
  async remove(name: string): Promise<boolean> {
    const removed = await absent(rm(this.#pathOf(name)).then(() => true));
    this.#names.remove(name);
    return removed ?? false;
  }

  /** At most `limit` files, in the order of their names' bytes, and whether there are more. */
  async list(prefix: string, after: string, limit: number): Promise<{ files: CloudFile[]; more: boolean }> {
    const { names, more } = await this.#names.page(prefix, after, limit);
    const files = await Promise.all(names.map((name) => this.#look(name)));
    return { files: files.filter((file) => file !== undefined), more };
  }

  /** Another process may have stored or deleted files. */
  changedByOthers(): void {
    this.#names.forget();
  }

  async *#everyName(): AsyncGenerator<string> {
    const folder = await absent(opendir(this.#root, { recursive: true, bufferSize: 1024 }));
    for await (const entry of folder ?? [])
      if (entry.isFile()) yield decode(join(entry.parentPath, entry.name).slice(this.#root.length + 1));
  }

  async #look(name: string): Promise<CloudFile | undefined> {
    const found = await absent(stat(this.#pathOf(name)));
    return found && { name, size: found.size - trailerBytes, modified: found.mtime };
  }
}

/** Undefined for what is not there. */
async function absent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
