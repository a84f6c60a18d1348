import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  isAlive,
  launch,
  type ProcessRef,
  processStart,
  signalProcess,
} from "../../../providers/local/cloud/process.ts";
import { kill, patience, processesIn, temporaryFolder } from "../../support/local-cloud.ts";

/** Launches a shell script in a folder of its own. */
async function start(script: string, env: Record<string, string> = {}, onExit = () => {}) {
  const folder = temporaryFolder();
  const logFile = join(folder, "log");
  const ref = await launch({
    command: "sh",
    args: ["-c", script],
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", ...env },
    logFile,
    onExit,
  });
  return { ref, folder, log: () => readFileSync(logFile, "utf8") };
}

const ended = (ref: ProcessRef) => expect.poll(() => isAlive(ref), patience).toBe(false);

test("a process is known by its id and its start", () => {
  const start = processStart(process.pid);
  expect(start).toMatch(/^\d+$/);
  expect(isAlive({ pid: process.pid, processStart: start as string })).toBe(true);
  expect(isAlive({ pid: process.pid, processStart: `${start}0` })).toBe(false);
});

test("one that has ended has no start, nor has one that nobody waited for", async () => {
  const child = spawn("true");
  await once(child, "close");
  expect(processStart(child.pid as number)).toBeUndefined();
  // `exec sleep` leaves a child that sleep never waits for.
  const parent = spawn("sh", ["-c", "sleep 0.1 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [line] = await once(parent.stdout.setEncoding("utf8"), "data");
  await expect.poll(() => processStart(Number(line)), patience).toBeUndefined();
  expect(readFileSync(`/proc/${Number(line)}/stat`, "utf8")).toContain(") Z ");
});

test("a command's name may hold anything", async () => {
  const { ref, log } = await start(
    `printf 'a) Z 1 (b' >/proc/$$/comm; echo named; while :; do sleep 0.01; done`,
  );
  await expect.poll(log, patience).toBe("named\n");
  expect(readFileSync(`/proc/${ref.pid}/stat`, "utf8")).toContain("(a) Z 1 (b) ");
  expect(isAlive(ref)).toBe(true);
});

test("gives a process its folder, environment and log, and nothing else", async () => {
  const { ref, folder, log } = await start('pwd; env; echo "to stderr" >&2', { ONLY: "this" });
  await ended(ref);
  expect(
    log()
      .split("\n")
      .filter((line) => !/^(PATH|PWD|OLDPWD|SHLVL|_)=/.test(line)),
  ).toEqual([folder, "ONLY=this", "to stderr", ""]);
});

test("a signal reaches the process and all that it has started", async () => {
  const { ref, folder, log } = await start("sleep 60 & sh -c 'sleep 60 & wait' & echo started; wait");
  await expect.poll(log, patience).toBe("started\n");
  await expect.poll(() => processesIn(folder), patience).toHaveLength(4);
  signalProcess(ref, "SIGKILL");
  await expect.poll(() => processesIn(folder), patience).toEqual([]);
  signalProcess(ref, "SIGKILL");
});

test("a process that was given the id of another one is not signalled", async () => {
  const { ref, log } = await start("trap 'echo signalled' TERM; echo ready; while :; do sleep 0.01; done");
  await expect.poll(log, patience).toBe("ready\n");
  signalProcess({ ...ref, processStart: `${ref.processStart}0` }, "SIGTERM");
  signalProcess({ ...ref, processStart: `${ref.processStart}0` }, "SIGKILL");
  signalProcess(ref, "SIGTERM");
  await expect.poll(log, patience).toContain("signalled\n");
  expect(isAlive(ref)).toBe(true);
  kill(-ref.pid);
  await ended(ref);
});

test("tells when the process has ended", async () => {
  const onExit = vi.fn();
  const { ref } = await start("sleep 60", {}, onExit);
  expect(onExit).not.toHaveBeenCalled();
  signalProcess(ref, "SIGKILL");
  await expect.poll(() => onExit.mock.calls.length, patience).toBe(1);
  expect(isAlive(ref)).toBe(false);
});

test("a command that cannot be started is named", async () => {
  const folder = temporaryFolder();
  const options = {
    command: "/no/such/command",
    args: [],
    cwd: folder,
    env: {},
    logFile: join(folder, "log"),
  };
  await expect(launch({ ...options, command: "/no/such/command" })).rejects.toThrow(
    "cannot start /no/such/command: ",
  );
});
