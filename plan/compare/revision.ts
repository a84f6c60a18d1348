import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm, stat, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** Days that a revision is kept after it was last compared with. */
const keptDays = 7;

/** A project as it was at a revision, in a folder of its own. */
export interface Revision {
  readonly root: string;
  /** The whole hash of the commit. */
  readonly commit: string;
}

/**
 * A project's files at a revision, with that revision's own locked dependencies. Both are kept in `.switchyard/revisions`,
 * so that only the first comparison makes them; nothing of the repository itself changes.
 * @param root the project's folder, anywhere in a git repository
 * @param ref what git takes for a commit: `main`, `HEAD^1`, `v1.2`
 * @throws when there is no such commit, or npm cannot install its dependencies
 */
export async function openRevision(root: string, ref: string): Promise<Revision> {
  const commit = (
    await git(root, ref, "rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`)
  ).trim();
  const prefix = (await git(root, ref, "rev-parse", "--show-prefix")).trim();
  const folder = join(root, ".switchyard/revisions");
  const place = join(folder, createHash("sha256").update(`${commit}:${prefix}`).digest("hex").slice(0, 16));
  await mkdir(folder, { recursive: true });
  await forget(folder);
  await once(place, async (partial) => {
    await extract(root, `${commit}:${prefix}`, partial);
    await symlink(await dependencies(root, partial, folder), join(partial, "node_modules"));
    await seedReleases(root, partial);
  });
  return { root: place, commit };
}

/** Makes a folder as a whole, or finds it; who makes it at the same time makes the same. */
async function once(place: string, make: (partial: string) => Promise<void>): Promise<void> {
  if (existsSync(place)) {
    await utimes(place, new Date(), new Date());
    return;
  }
  const partial = `${place}.${randomUUID()}`;
  try {
    await mkdir(partial);
    await make(partial);
    await rename(partial, place);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(place)) throw error;
  }
}

/** Removes what was not compared with for days, or was left half made. */
async function forget(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const { mtimeMs } = await stat(join(folder, name));
    if (Date.now() - mtimeMs > keptDays * 24 * 3_600_000) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

async function git(root: string, ref: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(root, "git", args);
  if (code === 0) return stdout;
  const said = stderr.trim().replace(/^fatal: /, "");
  throw new Error(
    `${ref} is no revision of this project that can be compared with: ${said}. Name a commit, tag or branch that is there (git fetch brings those that are not)`,
  );
}

async function run(cwd: string, command: string, args: readonly string[]) {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT"
          ? new Error(`comparing with a revision needs ${command}, and there is none`)
          : error,
      ),
    );
    child.once("close", resolve);
  });
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

/** Unpacks a tree of the repository. */
async function extract(root: string, tree: string, folder: string): Promise<void> {
  const archive = join(folder, ".archive.tar");
  for (const [command, args] of [
    ["git", ["archive", "--format=tar", `--output=${archive}`, tree]],
    ["tar", ["-xf", archive, "-C", folder]],
  ] as const) {
    const { code, stderr } = await run(root, command, args);
    if (code !== 0) throw new Error(`${tree} cannot be unpacked: ${stderr.trim()}`);
  }
  await rm(archive);
}

/** The folder of a revision's dependencies: the project's own where both have the same lock file. */
async function dependencies(root: string, revision: string, folder: string): Promise<string> {
  const lockOf = (project: string) => readFileSync(join(project, "package-lock.json"));
  const lock = lockOf(revision);
  if (lock.equals(lockOf(root))) return join(root, "node_modules");
  const place = join(folder, `modules-${createHash("sha256").update(lock).digest("hex").slice(0, 16)}`);
  await once(place, async (partial) => {
    for (const name of ["package.json", "package-lock.json"])
      await cp(join(revision, name), join(partial, name));
    const args = ["ci", "--ignore-scripts", "--loglevel=error", "--no-audit", "--no-fund"];
    const { code, stderr } = await run(partial, "npm", args);
    if (code !== 0)
      throw new Error(`npm cannot install what the revision's package-lock.json names: ${stderr.trim()}`);
  });
  return join(place, "node_modules");
}

/** A release that is already built is built again only if its sources are other ones. */
export async function seedReleases(root: string, revision: string): Promise<void> {
  const releases = join(root, ".switchyard/releases");
  if (existsSync(releases)) await cp(releases, join(revision, ".switchyard/releases"), { recursive: true });
}
