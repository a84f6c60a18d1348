import { chmod, glob, mkdir, readFile, rm } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Context, capture } from "./process.ts";

/** The stack for which a newcomer has to set nothing. */
export const localStack = "local";

/**
 * What a newcomer would have to set for the stack `local`, each only where `env` does not: a `file://` backend in
 * `.switchyard/state` (made with mode 0700), an empty passphrase, no plugin downloads, no check for updates.
 */
export async function localEnvironment(root: string, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const state = join(root, ".switchyard", "state");
  if (!env.PULUMI_BACKEND_URL) {
    await mkdir(state, { recursive: true, mode: 0o700 });
    await chmod(state, 0o700);
  }
  const hasPassphrase =
    env.PULUMI_CONFIG_PASSPHRASE !== undefined || env.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined;
  return {
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    ...env,
    PULUMI_BACKEND_URL: env.PULUMI_BACKEND_URL || pathToFileURL(state).href,
    ...(hasPassphrase ? {} : { PULUMI_CONFIG_PASSPHRASE: "" }),
  };
}

/** A lock file as the CLI's file backend writes it (pkg/backend/diy/lock.go); the time is RFC 3339. */
interface Lock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

/**
 * Removes the locks of `stack` that a killed CLI left in a `file://` backend: those of this host whose process
 * is gone. Logs each one; leaves every other lock, and does nothing for other backends. Fails on a lock file
 * that cannot be read.
 */
export async function removeStaleLocks(context: Context, stack: string): Promise<void> {
  for (const file of (await lockFiles(context, stack)) ?? []) {
    const lock = await readLock(file);
    if (lock === undefined || lock.hostname !== hostname() || (await isCliRunning(context, lock.pid)))
      continue;
    await rm(file, { force: true });
    await rm(`${file}.attrs`, { force: true });
    context.log(`Removed a lock that process ${lock.pid} left at ${lock.timestamp}: it is gone.`);
  }
}

/** The files that lock `stack` in a `file://` backend; undefined for other backends, which say it themselves. */
export async function lockFiles({ root, env }: Context, stack: string): Promise<string[] | undefined> {
  const url = env.PULUMI_BACKEND_URL ?? "";
  if (!url.startsWith("file://")) return undefined;
  const path = decodeURIComponent(url.slice("file://".length).replace(/\?.*$/, ""));
  const locks = join(resolve(root, path.replace(/^~/, homedir())), ".pulumi", "locks");
  const files: string[] = [];
  for await (const name of glob("**/*.json", { cwd: locks })) {
    if (basename(dirname(name)) === stack) files.push(join(locks, name));
  }
  return files;
}

async function readLock(file: string): Promise<Lock | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Lock;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file} is not a lock: ${(error as Error).message}. Remove it if no update is running.`);
  }
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

/** The parts of `pulumi stack export` that the scripts read. */
export interface StackExport {
  readonly version: number;
  readonly deployment: Deployment;
}

/** A stack's state; the names are those of the CLI's JSON. */
export interface Deployment {
  readonly resources?: readonly StackResource[];
  readonly pending_operations?: readonly { readonly type: string; readonly resource: StackResource }[];
}

/** A resource in a stack's state; `id` is absent on components. */
export interface StackResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly protect?: boolean;
}

/** A function that runs the CLI on one stack and returns what it prints, or fails with it. */
export type Pulumi = (args: readonly string[], input?: string) => Promise<string>;

/** Reads a stack's state; undefined when the backend has no such stack. */
export async function exportStack(pulumi: Pulumi): Promise<StackExport | undefined> {
  try {
    return JSON.parse(await pulumi(["stack", "export"])) as StackExport;
  } catch (error) {
    if (/no stack named '.*' found/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/**
 * Makes the stack `local` ready for an operation: creates it on first use (without selecting it, and leaving
 * its committed file as it is) and drops what a killed CLI left as pending. Those would otherwise be warned
 * about for ever; dropping them is right for this cloud alone, where creating and deleting again is harmless.
 */
export async function openLocalStack(context: Context, pulumi: Pulumi): Promise<void> {
  const exported = await exportStack(pulumi);
  if (exported === undefined) {
    await pulumi(["stack", "init", "--no-select"]);
    return;
  }
  const { pending_operations: pending = [], ...deployment } = exported.deployment;
  if (pending.length === 0) return;
  const names = pending.map(({ type, resource }) => `${type} ${resourceName(resource)}`);
  context.log(`An earlier run was cut off while ${names.join(", ")}; going on from what was recorded.`);
  await pulumi(["stack", "import"], JSON.stringify({ ...exported, deployment }));
}

/** The name a resource has in the program: the last part of its URN. */
export function resourceName({ urn }: StackResource): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}
