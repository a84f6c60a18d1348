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

/** Whether nobody holds a lock file any more: it is gone, or its process is dead. */
function isLeft(file: string): boolean {
  const holder = holderOf(file);
  return !holder || !isAlive(holder);
}

/** Gives a file another name unless something has that name. Says whether it did. */
function linkUnlessTaken(existing: string, name: string): boolean {
  try {
    linkSync(existing, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes the lock file of a dead process. Only one process at a time does so, and looks again: it could otherwise
 * remove the lock of another one that was quicker. False when another one does it now, and so gets the lock.
 */
function removeLeft(file: string): boolean {
  const release = holdLock(`${file}.takeover`);
  if (!release) return false;
  try {
    if (isLeft(file)) rmSync(file, { force: true });
    return true;
  } finally {
    release();
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
    const held =
      linkUnlessTaken(own, file) || (isLeft(file) && removeLeft(file) && linkUnlessTaken(own, file));
    return held ? () => rmSync(file, { force: true }) : undefined;
  } finally {
    rmSync(own, { force: true });
  }
}
