import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { ControlPlaneError, callOnce, type Greeting, greet, isAbsent, isCut } from "./calls.ts";
import { controlPlaneLog, lockOf, makeHome } from "./home.ts";
import { lastLines } from "./machine.ts";
import { supervisorCommand } from "./supervision.ts";

/** How long a control plane may take to answer after it was started, in milliseconds. */
const startLimitMs = 15_000;

/** How often it is looked whether something has come about that is waited for, in milliseconds. */
const lookMs = 25;

/** Where Node.js keeps what it has compiled of the control plane. */
const compileCache =
  process.env.NODE_COMPILE_CACHE ?? join(import.meta.dirname, "../../../.switchyard/compile-cache");

/**
 * A small young generation gives buffers of streamed objects back soon: with V8's own choice, 50 MB more stay in memory
 * after the first machine has fetched its runtime.
 */
const memoryFlags = ["--max-semi-space-size=1"];

/** What the control plane and its supervisor need of the caller's environment; secrets are none of it. */
const passedOn = ["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LOG_LEVEL"];

function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => passedOn.includes(name));
  return { ...Object.fromEntries(own), NODE_COMPILE_CACHE: compileCache };
}

/** What the control plane's code is, and where: one that runs other code is replaced before it is asked for anything new. */
function codeVersion(): string {
  const hash = createHash("sha256").update(import.meta.dirname);
  for (const name of readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }).sort()) {
    if (/\.(ts|sh)$/.test(name)) hash.update(readFileSync(join(import.meta.dirname, name)));
  }
  return hash.digest("hex").slice(0, 12);
}

/**
 * Loads the control plane's code once for each version of it, so that Node.js's compile cache holds it without types:
 * what strips them would otherwise stay in the control plane's memory, 70 MB of it.
 */
async function warmUp(version: string): Promise<void> {
  const stamp = join(compileCache, `control-plane-${version}`);
  if (existsSync(stamp)) return;
  const modules = ["control-plane.ts", "api.ts", "supervision.ts"].map((name) =>
    pathToFileURL(join(import.meta.dirname, name)),
  );
  const load = modules.map(({ href }) => `import(${JSON.stringify(href)});`).join("");
  const child = spawn(process.execPath, ["-e", load], { stdio: "ignore", env: environment() });
  await once(child, "exit");
  mkdirSync(compileCache, { recursive: true });
  writeFileSync(stamp, "");
}

function commandOf(home: string, version: string): string[] {
  return [process.execPath, ...memoryFlags, join(import.meta.dirname, "main.ts"), home, version];
}

function startSupervised(home: string, version: string): ChildProcess {
  const log = openSync(controlPlaneLog(home), "a", 0o600);
  try {
    const [shell = "", ...args] = supervisorCommand("run", home, commandOf(home, version));
    const child = spawn(shell, args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: environment(),
      cwd: home,
    });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** Who answers, or undefined when nobody does. */
export async function answering(home: string, signal?: AbortSignal): Promise<Greeting | undefined> {
  try {
    return await greet(home, signal);
  } catch (error) {
    if (isAbsent(error) || isCut(error)) return undefined;
    throw error;
  }
}

/**
 * Starts the control plane of `home` unless it runs, in a session of its own. One that is about to end still has the
 * lock: the next is then started again.
 *
 * @throws with its last log lines when it does not start, or does not answer in time
 */
export async function ensureRunning(home: string, signal?: AbortSignal): Promise<void> {
  makeHome(home);
  const version = codeVersion();
  await warmUp(version);
  let started = startSupervised(home, version);
  for (const deadline = performance.now() + startLimitMs; performance.now() < deadline; ) {
    if (await answering(home, signal)) return;
    if (started.exitCode === 0) started = startSupervised(home, version);
    else if (started.exitCode !== null) break;
    await pause(lookMs, undefined, { signal });
  }
  throw await startError(home);
}

async function startError(home: string): Promise<Error> {
  const lines = (await lastLines(controlPlaneLog(home), 5)).map(readable);
  const title = `the local cloud's control plane does not start; the end of ${controlPlaneLog(home)}:`;
  return new Error([title, ...lines].join("\n  "));
}

/** What a line of the control plane's log says; a line that is not its own, as it is. */
function readable(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg: string; err?: { message: string } };
    return err ? `${msg}: ${err.message}` : msg;
  } catch {
    return line;
  }
}

/** Has a control plane that runs other code than this replaced; its sockets and machines go over to the next. */
export async function ensureCurrent(
  home: string,
  { version }: Greeting,
  signal?: AbortSignal,
): Promise<void> {
  if (version !== codeVersion()) await replace(home, signal);
}

/** Replaces the control plane by one that runs this code. Resolves when that answers. */
export async function replace(home: string, signal?: AbortSignal): Promise<void> {
  const before = await answering(home, signal);
  const version = codeVersion();
  await warmUp(version);
  try {
    const body = { command: commandOf(home, version), environment: environment() };
    await callOnce(home, { method: "POST", path: "/hand-over", body, signal });
  } catch (error) {
    if (!(error instanceof ControlPlaneError && error.status === 404)) throw error;
    // It is older than handing over: it ends when no request is under way, and answers until then.
    await callOnce(home, { method: "POST", path: "/stop", signal });
    while (await answering(home, signal)) await pause(lookMs, undefined, { signal });
    return ensureRunning(home, signal);
  }
  for (const deadline = performance.now() + startLimitMs; performance.now() < deadline; ) {
    const now = await answering(home, signal);
    if (now && now.pid !== before?.pid) return;
    await pause(lookMs, undefined, { signal });
  }
  throw await startError(home);
}

/** Resolves when no control plane or supervisor of `home` is left, or after `ms`; says whether none is. */
export async function ended(home: string, ms: number): Promise<boolean> {
  for (const deadline = performance.now() + ms; ; ) {
    if (!existsSync(lockOf(home))) return true;
    const [code] = await once(
      spawn("flock", ["--nonblock", lockOf(home), "true"], { stdio: "ignore" }),
      "exit",
    );
    if (code === 0) return true;
    if (performance.now() >= deadline) return false;
    await pause(lookMs);
  }
}
