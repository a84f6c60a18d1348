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
 *
 * @throws when there are such machines and the state knows no group at all: then it is the state that is wrong
 */
export function endOrphans(home: string, state: State, log: Logger): void {
  const folders = new MachineFolders(home);
  const ids = machineIds(folders).filter((id) => !state.machines[id]);
  if (ids.length === 0) return;
  const unknown = new Map(ids.map((id) => [realpathSync(folders.of(id)), id]));
  const orphans = processes().flatMap((pid) => {
    const id = unknown.get(workingFolder(pid) ?? "");
    const start = id && processStart(Number(pid));
    return start ? [{ id, pid: Number(pid), processStart: start }] : [];
  });
  if (orphans.length > 0 && Object.keys(state.groups).length === 0) {
    const pids = orphans.map(({ pid }) => pid).join(", ");
    const file = join(home, "state.json");
    throw new Error(
      `the local cloud's state file ${file} is missing or knows nothing, but machines run (processes ${pids}). ` +
        `The one before it is ${file}.previous: move it to ${file}, or end these processes, and run the command again`,
    );
  }
  for (const { id, ...orphan } of orphans) {
    log.warn({ machine: id, pid: orphan.pid }, "ending a machine that was never recorded");
    signalProcess(orphan, "SIGKILL");
  }
  for (const id of ids) folders.remove(id);
}

function machineIds(folders: MachineFolders): string[] {
  try {
    return readdirSync(folders.all);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function processes(): string[] {
  return process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
}
