import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { localEnvironment, lockFiles, removeStaleLocks } from "../../scripts/backend.ts";
import { temporaryFolder, testContext } from "../support/fake-cli.ts";

async function startProcess(argv0: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { argv0 });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

async function deadPid(): Promise<number> {
  const child = await startProcess("pulumi");
  child.kill("SIGKILL");
  await once(child, "exit");
  return child.pid ?? 0;
}

function writeLock(state: string, pid: number, { host = hostname(), stack = "local" } = {}): string {
  const folder = join(state, ".pulumi", "locks", "organization", "switchyard", stack);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${crypto.randomUUID()}.json`);
  const lock = { pid, username: "me", hostname: host, timestamp: "2026-01-02T03:04:05.6Z" };
  writeFileSync(file, JSON.stringify(lock));
  return file;
}

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
  await removeStaleLocks(context, "local");
  expect(await lockFiles(context, "local")).toEqual([file]);
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
  expect(await lockFiles(context, "local")).toBeUndefined();
  await removeStaleLocks(context, "local");
});

test("`local` gets a private file backend and an empty passphrase", async () => {
  const root = temporaryFolder();
  const env = await localEnvironment(root, { HOME: root });
  expect(env).toEqual({
    HOME: root,
    PULUMI_BACKEND_URL: `file://${root}/.switchyard/state`,
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  });
  expect(statSync(join(root, ".switchyard", "state")).mode & 0o777).toBe(0o700);
});

test.each([
  [{ PULUMI_BACKEND_URL: "s3://bucket", PULUMI_CONFIG_PASSPHRASE: "secret" }],
  [{ PULUMI_BACKEND_URL: "file:///elsewhere", PULUMI_CONFIG_PASSPHRASE_FILE: "/run/secret" }],
  [{ PULUMI_BACKEND_URL: "s3://bucket", PULUMI_SKIP_UPDATE_CHECK: "false", PULUMI_CONFIG_PASSPHRASE: "x" }],
])("what the user has set stays: %j", async (set) => {
  const root = temporaryFolder();
  const env = await localEnvironment(root, set);
  expect(env).toMatchObject(set);
  if (!("PULUMI_CONFIG_PASSPHRASE" in set)) expect(env).not.toHaveProperty("PULUMI_CONFIG_PASSPHRASE");
  expect(existsSync(join(root, ".switchyard"))).toBe(false);
});
