import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** A file that a release was built from. */
export interface Input {
  /** Hex. */
  readonly sha256: string;
  /** When its content or name last changed, and what else tells it from another without reading it; empty while too new. */
  readonly stamp: string;
}

/** What a release was built from, and what it became: enough to know that building again would give the same. */
export interface ReleaseRecord {
  /** Hash of everything else that decides the result: how it is built, and with what. */
  readonly recipe: string;
  /** Every file in the bundle, and every one that its types come from, by its path relative to the root. */
  readonly inputs: Readonly<Record<string, Input>>;
  /** Hex SHA-256 of the archive. */
  readonly sha256: string;
}

export function hashOf(...contents: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const content of contents) hash.update(content);
  return hash.digest("hex");
}

/** A file that is not known as it was built: no look finds it unchanged. */
const unknown: Input = { sha256: "", stamp: "" };

/** What a clock's tick is shorter than, in milliseconds: what the system notes as a file's change may lie so much before it. */
const tickMs = 20;

/**
 * Looks at the files that a bundle was made of.
 * @param before what they were: of those that still are, only what the folder says is looked at
 * @param start when the build began, in milliseconds since 1970. What has changed since, or is gone, may be other than what
 * was built, so that it counts as changed at the next look
 */
export function lookAt(
  root: string,
  paths: readonly string[],
  { before = {}, start }: { before?: Readonly<Record<string, Input>>; start?: number },
): Record<string, Input> {
  const inputs = [...new Set(paths)].sort().map((path): [string, Input] => {
    const file = join(root, path);
    const stats = statSync(file, { throwIfNoEntry: false });
    if (!stats || (start !== undefined && stats.ctimeMs > start - tickMs)) return [path, unknown];
    const { ctimeMs, size, ino } = stats;
    // A clock's tick may hold two changes: of which one could come after this look, and look the same.
    const isSettled = Date.now() - ctimeMs > 1000;
    const stamp = isSettled ? `${ctimeMs} ${size} ${ino}` : "";
    const known = Object.hasOwn(before, path) ? before[path] : undefined;
    return [
      path,
      known?.stamp && known.stamp === stamp ? known : { sha256: hashOf(readFileSync(file)), stamp },
    ];
  });
  return Object.fromEntries(inputs);
}

/**
 * The record of an earlier build, when everything that it was made of is still as it was, with what its 1,500 files look
 * like now. Hashing them takes a tenth of the time that bundling them does, and looking at their stamps a tenth of that;
 * a preview does one of the three.
 *
 * @returns undefined when there is no record, or something has changed
 */
export function unchangedRelease(
  root: string,
  recordFile: string,
  recipe: string,
): (ReleaseRecord & { readonly isTouched: boolean }) | undefined {
  try {
    const record = JSON.parse(readFileSync(recordFile, "utf8")) as ReleaseRecord;
    if (record.recipe !== recipe) return undefined;
    const paths = Object.keys(record.inputs);
    const inputs = lookAt(root, paths, { before: record.inputs });
    const isChanged = (path: string) =>
      inputs[path]?.sha256 !== record.inputs[path]?.sha256 || record.inputs[path]?.sha256 === "";
    if (paths.some(isChanged)) return undefined;
    return {
      ...record,
      inputs,
      isTouched: paths.some((path) => inputs[path]?.stamp !== record.inputs[path]?.stamp),
    };
  } catch (error) {
    const gone = (error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError;
    if (gone) return undefined;
    throw error;
  }
}
