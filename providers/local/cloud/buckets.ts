import { constants, type Dirent, mkdirSync, rmSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { StoredFile } from "../../../service/storage/store.ts";
import { Files, isAbandoned, isUnfinished, temporaryName } from "./files.ts";

/** Where the deployment keeps what it uploads itself, and its controller the schedules; everything else is somebody's data. */
const deploymentPrefixes = ["releases/", "runtimes/", "controller/"];

/** A key that is none: it could name a file outside its bucket. */
export class KeyError extends Error {}

/** Buckets as folders: one file an object, written whole or not at all. */
export class Buckets {
  readonly #root: string;
  readonly #files = new Map<string, Files>();

  constructor(home: string) {
    this.#root = join(home, "buckets");
  }

  create(bucket: string): void {
    mkdirSync(join(this.#root, bucket), { recursive: true, mode: 0o700 });
  }

  /** @throws KeyError for a key that is empty, or has an empty, `.` or `..` segment or a control character */
  pathOf(bucket: string, key: string): string {
    const segments = key.split("/");
    const bad = (segment: string) => segment === "" || segment === "." || segment === "..";
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (segments.some(bad) || /[\u0000-\u001f\u007f]/.test(key))
      throw new KeyError(`"${key}" is no object key`);
    return join(this.#root, bucket, ...segments);
  }

  /** The files that the app keeps in a bucket. */
  files(bucket: string): Files {
    const known = this.#files.get(bucket) ?? new Files(join(this.#root, bucket));
    this.#files.set(bucket, known);
    return known;
  }

  /** Another process may have stored or deleted files. */
  changedByOthers(): void {
    for (const files of this.#files.values()) files.changedByOthers();
  }

  /** Deletes what uploads have left that a killed control plane could not end. Call it before there are any. */
  async removeUnfinished(): Promise<void> {
    const buckets = (await entriesOf(this.#root)).filter((entry) => entry.isDirectory());
    const folders = buckets.map(({ name }) => join(this.#root, name));
    for (const entry of (await Promise.all(folders.map((folder) => entriesOf(folder)))).flat())
      if (entry.isFile() && isAbandoned(entry.name)) await rm(join(entry.parentPath, entry.name));
  }

  /** Stores a copy of a file of this host; the kernel copies it. */
  async copyIn(bucket: string, key: string, source: string): Promise<void> {
    const file = this.pathOf(bucket, key);
    const temporary = join(this.#root, bucket, temporaryName());
    try {
      await copyFile(source, temporary, constants.COPYFILE_FICLONE);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** The object's size in bytes, or undefined when there is none. */
  async size(bucket: string, key: string): Promise<number | undefined> {
    try {
      const entry = await stat(this.pathOf(bucket, key));
      return entry.isFile() ? entry.size : undefined;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw error;
    }
  }

  /** Every object whose key starts so, by key. */
  async list(bucket: string, prefix: string): Promise<StoredFile[]> {
    const names = (await this.#keysOf(bucket)).filter((key) => key.startsWith(prefix)).sort();
    const files = names.map(async (name) => {
      const { size, mtime: modified } = await stat(join(this.#root, bucket, name));
      return { name, size, modified };
    });
    return Promise.all(files);
  }

  async remove(bucket: string, key: string): Promise<void> {
    await rm(this.pathOf(bucket, key), { force: true });
  }

  /**
   * Deletes a bucket with all that the deployment stored in it.
   *
   * @throws when it holds anything else and may not be emptied
   */
  async destroy(bucket: string, empty: boolean): Promise<void> {
    const files = empty ? 0 : await this.#countData(bucket);
    if (files > 0) {
      throw new Error(
        `bucket ${bucket} holds ${files} files: to delete them with it, set switchyard:bucket to { protect: false, empty: true }, deploy, and destroy again`,
      );
    }
    rmSync(join(this.#root, bucket), { recursive: true, force: true });
    this.#files.delete(bucket);
  }

  async #countData(bucket: string): Promise<number> {
    const keys = await this.#keysOf(bucket);
    return keys.filter((key) => !deploymentPrefixes.some((prefix) => key.startsWith(prefix))).length;
  }

  async #keysOf(bucket: string): Promise<string[]> {
    const root = join(this.#root, bucket);
    const files = (await entriesOf(root, true)).filter(
      (entry) => entry.isFile() && !isUnfinished(entry.name),
    );
    return files.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  }
}

/** What is in a folder, and below it if so; nothing where there is none. */
async function entriesOf(folder: string, recursive = false): Promise<Dirent[]> {
  try {
    return await readdir(folder, { recursive, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
