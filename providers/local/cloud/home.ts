import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const projectRoot = join(import.meta.dirname, "../../..");

/** The longest path that a Unix socket may have, in bytes (`sun_path`, unix(7), less its final NUL). */
const longestSocketPath = process.platform === "linux" ? 107 : 103;

/**
 * The folder in which the local cloud of a stack keeps everything: one for each stack of each backend.
 * `SWITCHYARD_HOME` names another parent folder.
 */
export function homeOf(stack: string): string {
  const parent = resolve(process.env.SWITCHYARD_HOME ?? join(projectRoot, ".switchyard", "cloud"));
  const backend = process.env.PULUMI_BACKEND_URL;
  const ownBackend = pathToFileURL(join(projectRoot, ".switchyard", "state")).href;
  if (!backend || backend === ownBackend) return join(parent, stack);
  return join(parent, `${stack}-${createHash("sha256").update(backend).digest("hex").slice(0, 8)}`);
}

/** Where the control plane logs. */
export function controlPlaneLog(home: string): string {
  return join(home, "control-plane.log");
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
