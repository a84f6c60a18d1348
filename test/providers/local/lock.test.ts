import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test, vi } from "vitest";
import { holdLock } from "../../../providers/local/cloud/lock.ts";
import { processStart } from "../../../providers/local/cloud/process.ts";
import { temporaryFolder } from "../../support/local-cloud.ts";

vi.setConfig({ testTimeout: 30_000 });

const holder = join(import.meta.dirname, "../../support/lock-holder.ts");

interface Taker {
  readonly child: ChildProcess;
  /** Which of the files it got, by number. */
  readonly got: Promise<number[]>;
}

/** Starts a process that takes locks; see lock-holder.ts. */
function take(files: readonly string[], start = 0): Taker {
  const child = spawn(process.execPath, [holder, String(start), "3", ...files], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const got = once(createInterface(child.stdout), "line").then(([line]) => JSON.parse(line) as number[]);
  return { child, got };
}

async function end({ child }: Taker): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "close");
}

test("is held by one process at a time, and free again when it is released", () => {
  const folder = temporaryFolder();
  const file = join(folder, "lock");
  const release = holdLock(file);
  expect(release).toBeTypeOf("function");
  expect(holdLock(file)).toBeUndefined();
  release?.();
  expect(holdLock(file)).toBeTypeOf("function");
  expect(readdirSync(folder)).toEqual(["lock"]);
});

test("is refused while another process holds it, and taken once that one was killed", async () => {
  const file = join(temporaryFolder(), "lock");
  const other = take([file]);
  expect(await other.got).toEqual([0]);
  expect(holdLock(file)).toBeUndefined();
  await end(other);
  expect(holdLock(file)).toBeTypeOf("function");
});

test("is taken from a process that was killed while it took it from another", () => {
  const folder = temporaryFolder();
  const file = join(folder, "lock");
  const dead = JSON.stringify({ pid: process.pid, processStart: "1" });
  for (const name of [file, `${file}.takeover`, `${file}.takeover.takeover`]) writeFileSync(name, dead);
  expect(holdLock(file)).toBeTypeOf("function");
  expect(readdirSync(folder)).toEqual(["lock"]);
});

test("is taken from a process whose id another one has now", () => {
  const file = join(temporaryFolder(), "lock");
  writeFileSync(file, JSON.stringify({ pid: process.pid, processStart: `${processStart(process.pid)}0` }));
  expect(holdLock(file)).toBeTypeOf("function");
});

test.each(["free", "left by a dead process"])(
  "goes to exactly one of two processes that want it at once when it is %s",
  async (state) => {
    const folder = temporaryFolder();
    const files = Array.from({ length: 500 }, (_, index) => join(folder, `lock${index}`));
    if (state !== "free") {
      const dead = spawn("true");
      const left = JSON.stringify({ pid: dead.pid, processStart: "1" });
      await once(dead, "close");
      for (const file of files) writeFileSync(file, left);
    }
    const start = Date.now() + 1_000;
    const [first, second] = await Promise.all([take(files, start).got, take(files, start).got]);
    const both = new Set(first).intersection(new Set(second));
    expect({ both: both.size, nobody: files.length - new Set([...first, ...second]).size }).toEqual({
      both: 0,
      nobody: 0,
    });
  },
);
