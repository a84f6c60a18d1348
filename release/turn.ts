import { mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** How long to wait between two looks whether another build is done, in milliseconds. */
const lookMs = 20;

/** How long one build may take before another no longer waits for it, in milliseconds: many times what it takes. */
const patienceMs = 120_000;

/**
 * Has one build at a time work on a folder: who comes second finds what the first has made, instead of making it at the
 * same time. It only saves work. Builds at the same time do each other no harm, as they may be when one of them was killed.
 */
export async function takeTurn<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "building");
  while (!(await claim(file))) {
    if (await isLeft(file)) await rm(file, { force: true });
    else await pause(lookMs);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function claim(file: string): Promise<boolean> {
  try {
    const handle = await open(file, "wx");
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Whether a claim is that of a process which is gone, or too old to be true. */
async function isLeft(file: string): Promise<boolean> {
  try {
    if (Date.now() - (await stat(file)).mtimeMs > patienceMs) return true;
    const pid = Number(await readFile(file, "utf8"));
    // Not written yet.
    if (pid === 0) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    return code === "ESRCH" ? true : code !== "EPERM" && Promise.reject(error);
  }
}
