import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isAlive, type ProcessRef, processStart } from "./process.ts";

function holderOf(file: string): ProcessRef | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessRef;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Takes a lock file for as long as this process lives: a file whose process is dead counts as free, so a kill leaves
 * nothing to clean up. Returns how to release it, or undefined when another process has it.
 */
export function holdLock(file: string): (() => void) | undefined {
  const self: ProcessRef = { pid: process.pid, processStart: processStart(process.pid) ?? "" };
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify(self), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        linkSync(own, file);
        return () => rmSync(file, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = holderOf(file);
      if (holder && isAlive(holder)) return undefined;
      rmSync(file, { force: true });
    }
    return undefined;
  } finally {
    rmSync(own, { force: true });
  }
}
