import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What a release was built from, and what it became: enough to know that building again would give the same. */
export interface ReleaseRecord {
  /** Hash of everything else that decides the result: how it is built, and with what. */
  readonly recipe: string;
  /** Hex SHA-256 of every file in the bundle, and of every one that its types come from, by its path relative to the root. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Hex SHA-256 of the archive. */
  readonly sha256: string;
}

export function hashOf(...contents: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const content of contents) hash.update(content);
  return hash.digest("hex");
}

/** The hashes of the files that a bundle was made of. */
export function hashInputs(root: string, paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(paths.toSorted().map((path) => [path, hashOf(readFileSync(join(root, path)))]));
}

/**
 * The archive that an earlier build left, when everything it was made of is still as it was. Hashing its 200 files takes a
 * tenth of the time that bundling them does, and a preview does one or the other.
 *
 * @returns its SHA-256, or undefined when there is no record, or something has changed
 */
export function unchangedRelease(root: string, recordFile: string, recipe: string): string | undefined {
  try {
    const record = JSON.parse(readFileSync(recordFile, "utf8")) as ReleaseRecord;
    if (record.recipe !== recipe) return undefined;
    const changed = Object.entries(record.inputs).some(
      ([path, hash]) => hashOf(readFileSync(join(root, path))) !== hash,
    );
    return changed ? undefined : record.sha256;
  } catch (error) {
    const gone = (error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError;
    if (gone) return undefined;
    throw error;
  }
}
