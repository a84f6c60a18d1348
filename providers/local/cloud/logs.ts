import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync, writeSync } from "node:fs";
import { controlPlaneLog } from "./home.ts";
import { MachineFolders } from "./machine.ts";

/** A log that grows beyond the first loses all but the last of it; in bytes. */
const longest = 32 * 1024 * 1024;
const kept = 1024 * 1024;

/** Cuts a log short in place, because its writer has it open (for appending, so that it goes on at the new end). */
function trim(file: string): void {
  const log = openSync(file, "r+");
  try {
    const { size } = fstatSync(log);
    if (size <= longest) return;
    const end = Buffer.alloc(kept);
    const length = readSync(log, end, 0, kept, size - kept);
    const nextLine = end.indexOf("\n") + 1;
    ftruncateSync(log, 0);
    writeSync(log, end, nextLine, length - nextLine, 0);
  } finally {
    closeSync(log);
  }
}

/** Keeps the logs of a local cloud from filling the disk: its control plane's and its machines'. */
export function trimLogs(home: string): void {
  const folders = new MachineFolders(home);
  let machines: string[] = [];
  try {
    machines = readdirSync(folders.all);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  for (const file of [controlPlaneLog(home), ...machines.map((id) => folders.logOf(id))]) {
    try {
      trim(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}
