import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { StartupArgs } from "../../release/startup.ts";
import type { AppEnvironment } from "../../service/settings/environment.ts";

/** An archive as the bucket holds it, with the hash a startup script checks. */
export interface Archive {
  readonly key: string;
  readonly bytes: Buffer;
  readonly hash: string;
}

/** A release whose app answers /healthz with `health`, and any other path with its pid, arguments and environment. */
export function releaseArchive(health = 200): Promise<Archive> {
  const source = `import { createServer } from "node:http";
createServer((request, response) => {
  if (request.url === "/healthz") response.writeHead(${health}).end();
  else response.end(JSON.stringify({ pid: process.pid, execArgv: process.execArgv, env: process.env }));
}).listen(Number(process.env.PORT), process.env.HOST);
`;
  return archive("releases/app.tar.gz", "sha256", {
    "server.js": source,
    "package.json": '{ "type": "module" }',
  });
}

/** A runtime laid out like the npm package of Node.js, whose binary hands over to the one that runs the tests. */
export function runtimeArchive(): Promise<Archive> {
  const node = `#!/bin/sh\nexec '${process.execPath}' "$@"\n`;
  return archive("runtimes/node.tgz", "sha512", {
    "package/bin/node": node,
    "package/LICENSE": "Some licence.\n",
    "package/README.md": "Not needed on a machine.\n",
  });
}

async function archive(key: string, algorithm: string, files: Record<string, string>): Promise<Archive> {
  const folder = await mkdtemp(join(tmpdir(), "archive-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text, { mode: 0o755 });
  }
  const bytes = execFileSync("tar", ["-czf", "-", "-C", folder, ...Object.keys(files)]);
  await rm(folder, { recursive: true });
  return { key, bytes, hash: createHash(algorithm).update(bytes).digest("hex") };
}

/** What a cloud gives a machine over HTTP: its identity and its objects, under a secret path. */
export interface IdentityServer {
  readonly url: string;
  /** The part of the address that nobody else may learn. */
  readonly secret: string;
  /** Paths that were asked for, below the secret one. */
  readonly requests: string[];
  /** Answers the next requests for a path, one each, in place of the usual answer. */
  intercept(path: string, ...answers: ((response: ServerResponse) => void)[]): void;
  close(): Promise<void>;
}

/** Serves `id` as instance id, and the objects, on a free port of 127.0.0.1. */
export async function serveIdentity(id: string, objects: readonly Archive[]): Promise<IdentityServer> {
  const secret = "t0p-s3cret-identity";
  const requests: string[] = [];
  const intercepted = new Map<string, ((response: ServerResponse) => void)[]>();
  const bodies = new Map<string, string | Buffer>([["/instance-id", id]]);
  for (const object of objects) bodies.set(`/objects/${object.key}`, object.bytes);
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.replace(`/machines/${secret}`, "") ?? "";
    requests.push(path);
    const answer = intercepted.get(path)?.shift();
    const body = bodies.get(path);
    if (answer !== undefined) answer(response);
    else if (body === undefined) response.writeHead(404).end();
    else response.end(body);
  });
  return {
    url: `http://127.0.0.1:${await listen(server)}/machines/${secret}`,
    secret,
    requests,
    intercept: (path, ...answers) => void intercepted.set(path, answers),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

export const appEnvironment: AppEnvironment = {
  PROJECT: "lab1",
  CLUSTER: "cluster1",
  CLUSTER_PATH: "/cluster1",
  ROOT: "greeting",
  PORT: 5000,
  DRAIN_SECONDS: 1,
  PUBLIC: false,
  MAX_FILE_BYTES: 5 * 1024 ** 3,
  MAX_UPLOADS: 64,
  RATE_LIMIT: 6000,
  METRICS_PORT: 0,
  ADMIN_TOKEN_SHA256: "e3b0c442",
};

/** The functions of the `local` cloud, as a script carries them. */
export const localFunctions = await readFile(
  join(import.meta.dirname, "../../providers/local/startup.sh"),
  "utf8",
);

/** What the `local` cloud renders its startup script from. */
export function localStartup(release: Archive, runtime: Archive, port: number): StartupArgs {
  return {
    release: { key: release.key, sha256: release.hash },
    runtime: { key: runtime.key, sha512: runtime.hash },
    environment: { ...appEnvironment, PORT: port },
    timeoutSeconds: 20,
    cloud: { functions: localFunctions, settings: { MAX_OLD_SPACE_MB: 64 }, environment: { STORE: "local" } },
  };
}

/** A startup script that runs, or the app it has become. */
export interface Machine {
  readonly process: ChildProcess;
  /** What script and app have written so far. */
  output(): string;
  /** The exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
}

/** Runs a script from a file, with this environment and nothing else. */
export async function startMachine(script: string, env: Record<string, string>): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), "machine-"));
  const file = join(folder, "startup.sh");
  await writeFile(file, script);
  const child = spawn("bash", [file], {
    env: { PATH: process.env.PATH, RETRY_BASE_MS: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const exited = new Promise<number | string>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? String(signal)));
  }).finally(() => rm(folder, { recursive: true }));
  return { process: child, output: () => output, exited };
}

/** Waits for a text in what a machine writes; fails with all of it when the machine ends without it. */
export async function untilOutput(machine: Machine, text: string): Promise<void> {
  let ended = false;
  machine.exited.then(() => {
    ended = true;
  });
  while (!machine.output().includes(text)) {
    if (ended) throw new Error(`ended without "${text}":\n${machine.output()}`);
    await delay(10);
  }
}

/** Writes an executable to a folder that a test puts first in PATH. */
export async function writeTool(folder: string, name: string, script: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), script);
  await chmod(join(folder, name), 0o755);
}

/** Whether a command is installed; says in one line that a test is skipped when it is not. */
export function installed(command: string): boolean {
  try {
    execFileSync("which", [command]);
    return true;
  } catch {
    console.log(`skipped: ${command} is not installed`);
    return false;
  }
}
