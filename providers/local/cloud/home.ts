import { createHash, randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const projectRoot = join(import.meta.dirname, "../../..");

/** The longest path that a Unix socket may have, in bytes (`sun_path`, unix(7), less its final NUL). */
const longestSocketPath = process.platform === "linux" ? 107 : 103;

/** The folder that holds the local clouds, each in a folder of its own; `SWITCHYARD_HOME` names another. */
function parentFolder(): string {
  return resolve(process.env.SWITCHYARD_HOME ?? join(projectRoot, ".switchyard", "cloud"));
}

/** The name of a new local cloud's folder: no other's, and kept when the stack gets another name. */
export function newLocation(stack: string): string {
  return `${stack}-${randomBytes(4).toString("hex")}`;
}

/** The name of the folder that a stack has which was deployed before local clouds had names of their own: one for each stack of each backend. */
export function locationByName(stack: string): string {
  const name = stack.split("/").at(-1) ?? stack;
  const backend = process.env.PULUMI_BACKEND_URL;
  const ownBackend = pathToFileURL(join(projectRoot, ".switchyard", "state")).href;
  if (!backend || backend === ownBackend) return name;
  return `${name}-${createHash("sha256").update(backend).digest("hex").slice(0, 8)}`;
}

/**
 * The folder in which the local cloud of a stack keeps everything.
 *
 * @param location its name, as the stack's output `operator.cloud` and its resources' state (`cloud`) have it
 * @param stack where there is no location, as in stacks that were deployed before there was one
 * @throws when the location is none
 */
export function homeOf(location: unknown, stack: string): string {
  const name = location ?? locationByName(stack);
  if (typeof name !== "string" || !/^[\w-][\w.-]*$/.test(name))
    throw new Error(
      `${JSON.stringify(name)} is no name of a local cloud's folder: it has letters, digits, "-", "_" and "."`,
    );
  return join(parentFolder(), name);
}

/**
 * Takes over the folder of a stack that was deployed before local clouds had names of their own. It is taken over once:
 * a later stack of that name is another one.
 *
 * @returns whether there was one to be had
 */
export function claim(home: string): boolean {
  if (!existsSync(join(home, "state.json"))) return false;
  try {
    writeFileSync(join(home, "claimed"), "", { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** The file that a control plane and its supervisor hold locked. */
export function lockOf(home: string): string {
  return join(home, "control-plane.lock");
}

/** Where the control plane logs. */
export function controlPlaneLog(home: string): string {
  return join(home, "control-plane.log");
}

/**
 * Makes the folder of a local cloud, for its owner alone.
 *
 * @throws when it cannot be, saying which folder is to be changed
 */
export function makeHome(home: string): void {
  try {
    makeFolder(home);
  } catch (error) {
    throw new Error(
      `the local cloud's folder ${home} cannot be made: ${(error as Error).message}. ` +
        "Set SWITCHYARD_HOME to a folder that can be written to",
    );
  }
}

/** As `mkdirSync` with `recursive`, which never ends where the kernel refuses a folder that its parent could have (/proc). */
function makeFolder(folder: string): void {
  const make = () => mkdirSync(folder, { mode: 0o700 });
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  try {
    make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(folder).isDirectory()) return;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    makeFolder(dirname(folder));
    make();
  }
}

/**
 * Calls `use` with a path to the control plane's socket that is short enough for the kernel. A deep folder is reached
 * through its own open descriptor, which Linux alone offers.
 */
export async function withSocketPath<T>(home: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(home, "control.sock");
  if (Buffer.byteLength(path) <= longestSocketPath) return use(path);
  if (process.platform !== "linux") {
    throw new Error(
      `the path of the local cloud's socket is too long (${path}): set SWITCHYARD_HOME to a shorter folder`,
    );
  }
  const folder = openSync(home, "r");
  try {
    return await use(`/proc/self/fd/${folder}/control.sock`);
  } finally {
    closeSync(folder);
  }
}
