import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test, vi } from "vitest";
import { capture } from "../../scripts/process.ts";
import { readLines, temporaryFolder, writeScript } from "../support/fake-cli.ts";

const { env } = process;

test("a process gets its input and returns what it prints and its exit code", async () => {
  const finished = await capture("sh", ["-c", "cat; echo oh >&2; exit 3"], { env, input: "hello" });
  expect(finished).toEqual({ code: 3, stdout: "hello", stderr: "oh\n" });
  await expect(capture("sh", ["-c", "kill -9 $$"], { env })).resolves.toMatchObject({ code: 137 });
});

test("a command that is not there is an error that names it", async () => {
  await expect(capture("/no/such/command", [], { env })).rejects.toThrow("/no/such/command");
});

test("a time limit and an abort end a process with its children", async () => {
  const tree = "sh -c 'echo $$; sleep 60' & wait";
  const pids: number[] = [];
  const onOutput = (printed: string) => void pids.push(Number(printed));
  await expect(capture("sh", ["-c", tree], { env, timeoutMs: 300, onOutput })).rejects.toThrow("after 0.3 s");
  const controller = new AbortController();
  const abort = (printed: string) => {
    onOutput(printed);
    controller.abort(new Error("enough"));
  };
  const aborted = capture("sh", ["-c", tree], { env, signal: controller.signal, onOutput: abort });
  await expect(aborted).rejects.toThrow("enough");
  for (const pid of pids) {
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), { timeout: 5000 });
  }
  expect(pids).toHaveLength(2);
});

test("what a killed process had started ends with it, also in a group of its own", async () => {
  const child = writeScript(join(temporaryFolder(), "child"), "set -m; sleep 60 & echo $$ $!; wait");
  const main = `
    import { attach } from ${JSON.stringify(join(import.meta.dirname, "../../scripts/process.ts"))};
    process.exitCode = await attach(${JSON.stringify(child)}, [], { cwd: ".", env: process.env });`;
  const wrapper = spawn(process.execPath, ["--input-type=module", "-e", main], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [printed] = await once(wrapper.stdout, "data");
  const [killed = 0, started = 0] = String(printed).split(" ").map(Number);
  process.kill(killed, "SIGKILL");
  const [code] = await once(wrapper, "exit");
  expect(code).toBe(137);
  await vi.waitFor(() => expect(() => process.kill(started, 0)).toThrow("ESRCH"), { timeout: 5000 });
});

test("without a terminal, a SIGINT that comes twice is passed on once, and the exit code comes back", async () => {
  const folder = temporaryFolder();
  const log = join(folder, "log");
  const child = writeScript(
    join(folder, "child"),
    `count=0
trap 'count=$((count + 1)); echo INT >> "${log}"' INT
echo ready
while [ $count -eq 0 ]; do sleep 0.05; done
read line
exit 9`,
  );
  const main = `
    import { attach } from ${JSON.stringify(join(import.meta.dirname, "../../scripts/process.ts"))};
    process.exitCode = await attach(${JSON.stringify(child)}, [], { cwd: ".", env: process.env });`;
  const wrapper = spawn(process.execPath, ["--input-type=module", "-e", main], {
    // None of them is a terminal, wherever the tests run.
    stdio: ["pipe", "pipe", "pipe"],
  });
  wrapper.stderr.pipe(process.stderr, { end: false });
  await once(wrapper.stdout, "data");
  wrapper.kill("SIGINT");
  await vi.waitFor(() => expect(readLines(log)).toEqual(["INT"]), { timeout: 5000 });
  wrapper.kill("SIGINT");
  const [rest, [code]] = await Promise.all([
    text(wrapper.stdout),
    once(wrapper, "exit"),
    wrapper.stdin.end("go on\n"),
  ]);
  expect([rest, code, readLines(log)]).toEqual(["", 9, ["INT"]]);
});
