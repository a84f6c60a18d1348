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
  rmSync,
  writeFileSync,
} from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { controlPlaneLog, withSocketPath } from "./home.ts";
import { lastLines } from "./machine.ts";
import type { Collection, GroupStatus, MachineInfo, Specs } from "./specs.ts";
import { Store } from "./store.ts";

/** How long a control plane may take to answer after it was started, in milliseconds. */
const startLimitMs = 15_000;

/** Where Node.js keeps what it has compiled of the control plane. */
const compileCache =
  process.env.NODE_COMPILE_CACHE ?? join(import.meta.dirname, "../../../.switchyard/compile-cache");

/**
 * A small young generation gives buffers of streamed objects back soon: with V8's own choice, 50 MB more stay in memory
 * after the first machine has fetched its runtime.
 */
const memoryFlags = ["--max-semi-space-size=1"];

/** The control plane refused a call, or could not do it. */
export class ControlPlaneError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** There is no control plane behind the socket. */
function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ECONNREFUSED"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** The connection ended before the answer: the control plane was killed, or is being restarted. */
function isCut(error: unknown): boolean {
  return ["ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "");
}

interface CallOptions {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return text;
}

function callOnce(home: string, options: CallOptions): Promise<unknown> {
  const { method, path, body, signal } = options;
  return withSocketPath(
    home,
    (socketPath) =>
      new Promise((resolve, reject) => {
        const json = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
        const headers = json ? { "content-type": "application/json", "content-length": json.length } : {};
        const call = request({ socketPath, method, path, headers, signal, agent: false }, (response) => {
          textOf(response).then((text) => {
            const status = response.statusCode ?? 0;
            const answer = text === "" ? undefined : JSON.parse(text);
            if (status < 300) resolve(answer);
            else
              reject(new ControlPlaneError(status, answer?.message ?? `the local cloud answered ${status}`));
          }, reject);
        });
        call.once("error", reject);
        call.end(json);
      }),
  );
}

/** What the control plane's code is, and where: one that runs older code is restarted before it is asked for anything new. */
function codeVersion(): string {
  const hash = createHash("sha256").update(import.meta.dirname);
  for (const name of readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }).sort()) {
    if (name.endsWith(".ts")) hash.update(readFileSync(join(import.meta.dirname, name)));
  }
  return hash.digest("hex").slice(0, 12);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Loads the control plane's code once for each version of it, so that Node.js's compile cache holds it without types:
 * what strips them would otherwise stay in the control plane's memory, 70 MB of it.
 */
async function warmUp(version: string): Promise<void> {
  const stamp = join(compileCache, `control-plane-${version}`);
  if (existsSync(stamp)) return;
  const modules = ["control-plane.ts", "api.ts"].map((name) =>
    pathToFileURL(join(import.meta.dirname, name)),
  );
  const load = modules.map(({ href }) => `import(${JSON.stringify(href)});`).join("");
  const child = spawn(process.execPath, ["-e", load], { stdio: "ignore", env: environment() });
  await once(child, "exit");
  mkdirSync(compileCache, { recursive: true });
  writeFileSync(stamp, "");
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, NODE_COMPILE_CACHE: compileCache };
}

/**
 * Starts the control plane of `home` unless it runs, in a session of its own. One that is about to end still has the
 * lock: the next is then started again.
 *
 * @throws with its last log lines when it does not start, or does not answer in time
 */
async function ensureRunning(home: string): Promise<void> {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const version = codeVersion();
  await warmUp(version);
  let started = startSupervised(home, version);
  for (const deadline = performance.now() + startLimitMs; performance.now() < deadline; ) {
    if (await answers(home)) return;
    if (started.exitCode === 0) started = startSupervised(home, version);
    else if (started.exitCode !== null) break;
    await pause(25);
  }
  const lines = (await lastLines(controlPlaneLog(home), 5)).map(readable);
  throw new Error(
    [`the local cloud's control plane does not start; the end of ${controlPlaneLog(home)}:`, ...lines].join(
      "\n  ",
    ),
  );
}

function startSupervised(home: string, version: string): ChildProcess {
  const log = openSync(controlPlaneLog(home), "a", 0o600);
  try {
    const command = [process.execPath, ...memoryFlags, join(import.meta.dirname, "main.ts"), home, version];
    const lock = join(home, "control-plane.lock");
    const child = spawn("sh", [join(import.meta.dirname, "supervise.sh"), lock, ...command], {
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

async function answers(home: string): Promise<boolean> {
  try {
    await callOnce(home, { method: "GET", path: "/" });
    return true;
  } catch (error) {
    if (isAbsent(error) || isCut(error)) return false;
    throw error;
  }
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

/** A call that may be repeated, to a control plane that is started when it does not run. */
async function call(home: string, options: CallOptions): Promise<unknown> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await callOnce(home, options);
    } catch (error) {
      if (attempt >= 3 || options.signal?.aborted || !(isAbsent(error) || isCut(error))) throw error;
      await ensureRunning(home);
    }
  }
}

interface Greeting {
  readonly pid: number;
  readonly version: string;
}

/** By home: whether its control plane runs this code, found out once. */
const current = new Map<string, Promise<void>>();

function ensureCurrent(home: string): Promise<void> {
  const known = current.get(home) ?? makeCurrent(home);
  current.set(home, known);
  known.catch(() => current.delete(home));
  return known;
}

/** Restarts a control plane that runs other code than this, as an update of the project leaves it; machines run on. */
async function makeCurrent(home: string): Promise<void> {
  const { version } = (await call(home, { method: "GET", path: "/" })) as Greeting;
  if (version !== codeVersion()) {
    await call(home, { method: "POST", path: "/stop" });
    await ended(home);
    await ensureRunning(home);
  }
}

/** The control plane of one stack's local cloud, as deployments use it. */
export class LocalCloud {
  readonly home: string;

  constructor(home: string) {
    this.home = home;
  }

  async put<C extends Collection>(collection: C, id: string, spec: Specs[C]): Promise<void> {
    await ensureCurrent(this.home);
    await call(this.home, { method: "PUT", path: `/${collection}/${id}`, body: spec });
  }

  /** The specification that is in force, or undefined when there is no such resource. */
  async get<C extends Collection>(collection: C, id: string): Promise<Specs[C] | undefined> {
    try {
      const answer = await call(this.home, { method: "GET", path: `/${collection}/${id}` });
      return (answer as { spec: Specs[C] }).spec;
    } catch (error) {
      if (error instanceof ControlPlaneError && error.status === 404) return undefined;
      throw error;
    }
  }

  async delete(collection: Collection, id: string): Promise<void> {
    await call(this.home, { method: "DELETE", path: `/${collection}/${id}` });
  }

  /** Stores a copy of a file of this host. */
  async putObject(bucket: string, key: string, file: string): Promise<void> {
    const body = { file: resolve(file) };
    await call(this.home, { method: "PUT", path: `/buckets/${bucket}/objects/${key}`, body });
  }

  async hasObject(bucket: string, key: string): Promise<boolean> {
    try {
      await call(this.home, { method: "HEAD", path: `/buckets/${bucket}/objects/${key}` });
      return true;
    } catch (error) {
      if (error instanceof ControlPlaneError && error.status === 404) return false;
      throw error;
    }
  }

  async deleteObject(bucket: string, key: string): Promise<void> {
    await call(this.home, { method: "DELETE", path: `/buckets/${bucket}/objects/${key}` });
  }

  /** Resolves once a group runs as asked for, or its rollout has failed. */
  async settled(group: string, signal: AbortSignal): Promise<GroupStatus> {
    return (await call(this.home, {
      method: "GET",
      path: `/groups/${group}/settled`,
      signal,
    })) as GroupStatus;
  }

  /** Every machine there is. Where nothing was ever deployed, nothing is started to find that out. */
  async machines(): Promise<MachineInfo[]> {
    if (!existsSync(join(this.home, "state.json"))) return [];
    return (await call(this.home, { method: "GET", path: "/machines" })) as MachineInfo[];
  }

  /** Starts the control plane again where one has kept something: after a reboot, nobody else would. */
  async revive(): Promise<void> {
    if (existsSync(join(this.home, "state.json")) && (await this.pid()) === undefined)
      await ensureRunning(this.home);
  }

  /** The process id of the control plane, or undefined when it does not run. */
  async pid(): Promise<number | undefined> {
    try {
      return ((await callOnce(this.home, { method: "GET", path: "/" })) as Greeting).pid;
    } catch (error) {
      if (isAbsent(error) || isCut(error)) return undefined;
      throw error;
    }
  }
}

/** Waits a moment for the control plane to end, if it does. */
async function ended(home: string): Promise<void> {
  const cloud = new LocalCloud(home);
  for (
    const deadline = performance.now() + 2_000;
    performance.now() < deadline && (await cloud.pid()) !== undefined;
  )
    await pause(25);
}

/**
 * Removes from the local cloud in `home` what no deployment knows, as kills leave it behind, and ends its control plane
 * when nothing is left for it to run.
 *
 * @returns the ids of what was removed
 */
export async function reap(home: string, knownIds: readonly string[]): Promise<string[]> {
  if (!existsSync(join(home, "state.json"))) return [];
  const answer = await call(home, { method: "POST", path: "/reap", body: { known: knownIds } });
  await call(home, { method: "POST", path: "/stop-if-idle" });
  await ended(home);
  return (answer as { removed: string[] }).removed;
}

/**
 * Ends a local cloud and removes all that it has kept but buckets, which a deployment that is to lose them deletes itself.
 * Its machines and load balancers go with it, those too that no deployment knows.
 */
export async function remove(home: string): Promise<void> {
  await reap(home, []);
  if (!existsSync(home)) return;
  const { buckets } = new Store(home).state;
  if (Object.keys(buckets).length === 0) rmSync(home, { recursive: true });
  else
    for (const name of ["releases", "runtimes"]) rmSync(join(home, name), { recursive: true, force: true });
}
