import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What a release was built of, beside its archive, which holds nothing of where it was built. */
export interface Commit {
  /** Hex. */
  readonly sha: string;
  /** Whether files of the project differed from it. */
  readonly isChanged: boolean;
}

/** The commit that is checked out in a project's folder; undefined where there is none, or no Git. */
export async function commitIn(root: string): Promise<Commit | undefined> {
  const git = async (...args: string[]) => (await promisify(execFile)("git", ["-C", root, ...args])).stdout;
  try {
    const sha = (await git("rev-parse", "--verify", "HEAD")).trim();
    const changes = await git("status", "--porcelain", "--", "service", "release", "package-lock.json");
    return { sha, isChanged: changes !== "" };
  } catch {
    return undefined;
  }
}

/** A commit as part of a name. */
export function commitWord({ sha, isChanged }: Commit): string {
  return isChanged ? `${sha}-changed` : sha;
}

/** The file beside an archive that says its commit, by the archive's own; undefined for what is no release. */
export function commitFile(archive: string): string | undefined {
  return archive.endsWith(".tar.gz") ? archive.replace(/\.tar\.gz$/, ".commit") : undefined;
}

/** The object beside an archive's that says its commit, by that one's key: its name does, so that listings tell it. */
export function commitKey(archiveKey: string, word: string): string {
  return archiveKey.replace(/\.tar\.gz$/, `.commit-${word}`);
}

/** The commit that an object beside the archive of a release says; undefined where it is another. */
export function commitOfKey(archiveKey: string, key: string): Commit | undefined {
  const start = commitKey(archiveKey, "");
  const [, sha, changed] = /^([0-9a-f]{40,64})(-changed)?$/.exec(key.slice(start.length)) ?? [];
  return key.startsWith(start) && sha !== undefined ? { sha, isChanged: changed !== undefined } : undefined;
}
