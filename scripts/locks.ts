import { glob, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { type Context, capture } from "./process.ts";
import { backendFolder } from "./state-file.ts";

/** A lock file as the CLI's file backend writes it (pkg/backend/diy/lock.go); the time is RFC 3339. */
interface LockFile {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

export interface Lock extends LockFile {
  readonly file: string;
  /** `live`: its process changes the stack; `stale`: its process is gone; `foreign`: it is another machine's. */
  readonly kind: "live" | "stale" | "foreign";
}

/**
 * The locks of `stack` in a `file://` backend; undefined for other backends, which nobody can look into from here.
 *
 * @throws on a lock file that cannot be read
 */
export async function readLocks(context: Context, stack: string): Promise<Lock[] | undefined> {
  const backend = backendFolder(context);
  if (backend === undefined) return undefined;
  const folder = join(backend, "locks");
  const locks: Lock[] = [];
  for await (const name of glob("**/*.json", { cwd: folder })) {
    if (basename(dirname(name)) !== basename(stack)) continue;
    const file = join(folder, name);
    const lock = await readLock(file);
    if (lock) locks.push({ ...lock, file, kind: await kindOf(context, lock) });
  }
  return locks;
}

/** Removes the locks of `stack` that a killed CLI left, logs each, and returns those that are left. */
export async function removeStaleLocks(context: Context, stack: string): Promise<Lock[]> {
  const locks = (await readLocks(context, stack)) ?? [];
  for (const { kind, file, pid, timestamp } of locks) {
    if (kind !== "stale") continue;
    await rm(file, { force: true });
    await rm(`${file}.attrs`, { force: true });
    context.log(`Removed a lock that process ${pid} left at ${timestamp}: it is gone.`);
  }
  return locks.filter(({ kind }) => kind !== "stale");
}

/** Who is changing a stack, and what to do about it. */
export function lockedBy(stack: string, { kind, pid, hostname, username, timestamp }: Lock): string {
  const who = kind === "live" ? `process ${pid}` : `process ${pid} of ${username} on ${hostname}`;
  return `Stack ${stack} is being changed by ${who} since ${timestamp}: wait until it is done, or press Ctrl-C where it runs.`;
}

async function readLock(file: string): Promise<LockFile | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as LockFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file} is not a lock: ${(error as Error).message}. Remove it if no update is running.`);
  }
}

async function kindOf(context: Context, { pid, hostname: host }: LockFile): Promise<Lock["kind"]> {
  if (host !== hostname()) return "foreign";
  return (await isCliRunning(context, pid)) ? "live" : "stale";
}

/**
 * Whether a process with this id is a Pulumi CLI. Ids are used again, after a reboot or in a container, so
 * another program is none; nor is a killed one that nobody waited for. Without `ps`, any process counts as one.
 */
async function isCliRunning({ env }: Context, pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    const { stdout } = await capture("ps", ["-o", "stat=", "-o", "args=", "-p", String(pid)], { env });
    return /^\s*[^Z\s]\S*\s.*pulumi/.test(stdout);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
