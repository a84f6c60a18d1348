import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";

/** What the scripts work with; `root` is the Pulumi project's folder, `log` prints one line for the user. */
export interface Context {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  log(line: string): void;
}

/** How a captured process ended; `code` is 128 + the signal's number when a signal ended it, as in a shell. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CaptureOptions {
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Text for the process's standard input; default: none. */
  readonly input?: string;
  /** Ends the process and everything it started after this many milliseconds; default: no limit. */
  readonly timeoutMs?: number;
  /** Ends it in the same way; the failure is the signal's reason. */
  readonly signal?: AbortSignal;
  onOutput?(text: string): void;
}

/**
 * Runs a process without a terminal and collects what it prints. It has a process group of its own, so that a
 * time limit or an abort reaches its children too. Fails when it cannot be started, on a time limit and on
 * abort; a non-zero exit code is a result, not a failure.
 */
export function capture(
  command: string,
  args: readonly string[],
  options: CaptureOptions,
): Promise<Finished> {
  const { promise, resolve, reject } = Promise.withResolvers<Finished>();
  const { cwd, env, signal } = options;
  const child = spawn(command, args, { cwd, env, detached: true, stdio: "pipe" });
  let problem: Error | undefined;
  const stop = (why: Error) => {
    problem ??= why;
    killGroup(child, "SIGTERM");
  };
  const onAbort = () => stop(signal?.reason);
  const { timeoutMs } = options;
  const late = () => stop(new Error(`it was not done after ${(timeoutMs ?? 0) / 1000} s`));
  const limit = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
      options.onOutput?.(text);
    });
  }
  child.stdin.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") problem ??= error;
  });
  child.stdin.end(options.input ?? "");
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  child.once("error", (error) => {
    problem ??= error;
    reject(error);
  });
  child.once("close", (code, by) => {
    if (problem) reject(problem);
    else resolve({ code: exitCode(code, by), ...printed });
  });
  return promise.finally(() => {
    clearTimeout(limit);
    signal?.removeEventListener("abort", onAbort);
  });
}

/**
 * Runs a process on this one's terminal or pipes until it ends; resolves with its exit code. Ctrl-C on a
 * terminal reaches the whole foreground group, so nothing is passed on there. Elsewhere the process gets a
 * session of its own and each SIGINT exactly once, however often npm repeats it: the Pulumi CLI takes a second
 * one as "give up at once", which leaves resources that nobody recorded.
 *
 * What a process that was killed has started is ended, on Linux: a killed CLI leaves its language host, which is in a
 * group of its own and would run for ever. It is found by a variable of its environment.
 */
export async function attach(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const run = randomUUID();
  const env = { ...options.env, [runVariable]: run };
  const child = spawn(command, args, { ...options, env, detached: !terminal, stdio: "inherit" });
  const passOn = onSignals((name) => {
    if (name === "SIGTERM" || !terminal) child.kill(name);
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once("error", reject);
  child.once("close", (code, by) => {
    if (by !== null) endRun(run);
    resolve(exitCode(code, by));
  });
  return promise.finally(passOn.remove);
}

/** What processes of one command have in common, besides what they start with an environment of its own. */
const runVariable = "SWITCHYARD_RUN";

function endRun(run: string): void {
  if (process.platform !== "linux") return;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      if (environment.includes(`${runVariable}=${run}`)) process.kill(Number(pid), "SIGTERM");
    } catch (error) {
      // It has ended meanwhile, or is another user's.
      if (!["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? ""))
        throw error;
    }
  }
}

/** Aborts on the first SIGINT or SIGTERM, until `remove` is called. */
export function abortOnSignals(): { readonly signal: AbortSignal; remove(): void } {
  const controller = new AbortController();
  const { remove } = onSignals((name) => controller.abort(new Error(`stopped by ${name}`)));
  return { signal: controller.signal, remove };
}

const repeatMs = 1000;

function onSignals(handle: (name: "SIGINT" | "SIGTERM") => void) {
  let last = Number.NEGATIVE_INFINITY;
  const listener = (name: NodeJS.Signals) => {
    if (performance.now() - last < repeatMs) return;
    last = performance.now();
    handle(name as "SIGINT" | "SIGTERM");
  };
  process.on("SIGINT", listener).on("SIGTERM", listener);
  return { remove: () => void process.off("SIGINT", listener).off("SIGTERM", listener) };
}

function killGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function exitCode(code: number | null, by: NodeJS.Signals | null): number {
  return code ?? 128 + (by ? constants.signals[by] : 0);
}

/**
 * Runs a script's main function on this project; its result is the exit code, its error a message and code 1. With
 * `--help` or `-h` among the arguments it only prints `usage`, which also follows what is wrong with a flag.
 */
export async function runMain(usage: string, main: (context: Context) => Promise<number>): Promise<void> {
  if (process.argv.slice(2).some((argument) => argument === "--help" || argument === "-h")) {
    console.log(usage);
    return;
  }
  const { signal, remove } = abortOnSignals();
  const root = resolve(import.meta.dirname, "..");
  try {
    process.exitCode = await main({ root, env: process.env, signal, log: (line) => console.error(line) });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    console.error(code?.startsWith("ERR_PARSE_ARGS") ? `${message}\n\n${usage}` : message);
    process.exitCode = signal.aborted ? 130 : 1;
  } finally {
    remove();
  }
}
