import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a server may take to answer its first request, and to end, in milliseconds. */
const limits = { start: 60_000, stop: 5_000 };

/** Something that runs until it is stopped. */
export interface Running {
  stop(): Promise<void>;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Answers, whatever it answers, once the server is ready. */
  readonly url: string;
  /** How long it may take until then, in milliseconds; default: a minute. */
  readonly startMs?: number;
}

/** Starts a server, with nothing from this process's environment but PATH and HOME, and waits for its first answer. */
export async function startServer(server: ServerCommand): Promise<Running> {
  const { command, args, env, cwd, url, startMs = limits.start } = server;
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output = (output + text).slice(-4_000);
    });
  }
  const exited = once(child, "exit");
  try {
    for (const deadline = Date.now() + startMs; !(await answers(url)); ) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`it does not answer at ${url}`);
      await Promise.race([sleep(50), exited]);
    }
  } catch (error) {
    await stop(child, exited);
    throw new Error(`${command} ${args.join(" ")}: ${(error as Error).message}\n${output}`);
  }
  return { stop: () => stop(child, exited) };
}

/** Waits for servers that start at the same time; when one does not start, those that did are stopped. */
export async function startAll(starting: readonly Promise<Running>[]): Promise<Running> {
  const results = await Promise.allSettled(starting);
  const running = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const stop = async () => {
    await Promise.all(running.map((server) => server.stop()));
  };
  const failed = results.find((result) => result.status === "rejected");
  if (!failed) return { stop };
  await stop();
  throw failed.reason;
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).body?.cancel();
    return true;
  } catch {
    return false;
  }
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), limits.stop);
  await exited;
  clearTimeout(timer);
}

/** A folder for a server's data, and a list of what must be undone, the last first. */
export async function serverFolder(name: string) {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true })];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  return { folder, undo, stop };
}
