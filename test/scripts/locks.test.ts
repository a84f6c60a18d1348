import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { localEnvironment } from "../../scripts/backend.ts";
import { lockedBy, readLocks, removeStaleLocks } from "../../scripts/locks.ts";
import { temporaryFolder, testContext } from "../support/fake-cli.ts";
import { deadPid, startProcess, writeLock } from "../support/locks.ts";

async function localContext() {
  const root = join(temporaryFolder(), "a b%41");
  mkdirSync(root);
  const env = await localEnvironment(root, process.env);
  return { ...testContext(root, [], env), state: join(root, ".switchyard", "state") };
}

test("a lock whose process is gone is removed, and the log says so", async () => {
  const context = await localContext();
  const pid = await deadPid();
  const file = writeLock(context.state, pid);
  writeFileSync(`${file}.attrs`, "{}");
  await removeStaleLocks(context, "local");
  expect([existsSync(file), existsSync(`${file}.attrs`)]).toEqual([false, false]);
  expect(context.lines).toEqual([expect.stringContaining(`process ${pid} left at 2026-01-02T03:04:05.6Z`)]);
});

test("a lock of a running CLI stays", async () => {
  const context = await localContext();
  const { pid = 0 } = await startProcess("/opt/pulumi/bin/pulumi");
  const file = writeLock(context.state, pid);
  const [lock] = await removeStaleLocks(context, "organization/switchyard/local");
  expect(lock).toMatchObject({ pid, kind: "live" });
  if (lock) expect(lockedBy("local", lock)).toContain(`is being changed by process ${pid} since 2026`);
  expect(existsSync(file)).toBe(true);
  expect(context.lines).toEqual([]);
});

test("a lock whose process id another program has now is removed", async () => {
  const context = await localContext();
  const { pid = 0 } = await startProcess("/usr/bin/other");
  const file = writeLock(context.state, pid);
  await removeStaleLocks(context, "local");
  expect(existsSync(file)).toBe(false);
});

test("locks of other hosts and other stacks stay", async () => {
  const context = await localContext();
  const pid = await deadPid();
  const files = [
    writeLock(context.state, pid, { host: "elsewhere.example" }),
    writeLock(context.state, pid, { stack: "local2" }),
  ];
  await removeStaleLocks(context, "local");
  expect(files.map((file) => existsSync(file))).toEqual([true, true]);
});

test("a lock file that is none is named in the error", async () => {
  const context = await localContext();
  const file = writeLock(context.state, 1);
  writeFileSync(file, "{");
  await expect(removeStaleLocks(context, "local")).rejects.toThrow(`${file} is not a lock`);
});

test("nothing is looked for in a backend that is no folder", async () => {
  const context = testContext(temporaryFolder(), [], { PULUMI_BACKEND_URL: "s3://bucket" });
  expect(await readLocks(context, "local")).toBeUndefined();
  await removeStaleLocks(context, "local");
});
