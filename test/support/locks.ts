import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Starts a process that calls itself `argv0`, and ends it with the test. */
export async function startProcess(argv0: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { argv0 });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

/** The id of a process that has been. */
export async function deadPid(): Promise<number> {
  const child = await startProcess("pulumi");
  child.kill("SIGKILL");
  await once(child, "exit");
  return child.pid ?? 0;
}

/** Writes a lock as the CLI's file backend does. */
export function writeLock(state: string, pid: number, { host = hostname(), stack = "local" } = {}): string {
  const folder = join(state, ".pulumi", "locks", "organization", "switchyard", stack);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${crypto.randomUUID()}.json`);
  const lock = { pid, username: "me", hostname: host, timestamp: "2026-01-02T03:04:05.6Z" };
  writeFileSync(file, JSON.stringify(lock));
  return file;
}
