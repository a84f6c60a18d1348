import { readdirSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { MachineFolders } from "./machine.ts";
import { processStart, signalProcess } from "./process.ts";
import type { State } from "./store.ts";

function workingFolder(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // it has ended, or is another user's
  }
}

/**
 * Ends machines that an earlier control plane started but was killed before it recorded: those that work in a machine
 * folder of this cloud that the state does not know. Elsewhere than on Linux only their folders are removed.
 */
export function endOrphans(home: string, state: State, log: Logger): void {
  const folders = new MachineFolders(home);
  let ids: string[];
  try {
    ids = readdirSync(join(home, "machines")).filter((id) => !state.machines[id]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (ids.length === 0) return;
  const unknown = new Map(ids.map((id) => [realpathSync(folders.of(id)), id]));
  const pids = process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  for (const pid of pids) {
    const id = unknown.get(workingFolder(pid) ?? "");
    const start = id && processStart(Number(pid));
    if (!start) continue;
    log.warn({ machine: id, pid: Number(pid) }, "ending a machine that was never recorded");
    signalProcess({ pid: Number(pid), processStart: start }, "SIGKILL");
  }
  for (const id of ids) folders.remove(id);
}
