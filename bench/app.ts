import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildRelease } from "../release/build.ts";
import { freePort } from "../test/support/ports.ts";

/** What machines give Node.js besides the app (release/startup.sh). */
const startupScript = readFileSync(join(import.meta.dirname, "../release/startup.sh"), "utf8");
export const nodeOptions = startupScript.match(/(?<="\$runtime\/bin\/node" )--\S+/g) ?? [];

export interface App {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Does some work with the release as machines have it, unpacked in a folder, and its archive. */
export async function withRelease<T>(work: (folder: string, archive: string) => Promise<T>): Promise<T> {
  const { file } = await buildRelease();
  const folder = mkdtempSync(join(tmpdir(), "switchyard-bench-"));
  try {
    execFileSync("tar", ["-xzf", file, "-C", folder]);
    return await work(folder, file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The release's app as machines start it, on a free port, once it answers. */
export async function startApp(
  folder: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<App> {
  const port = await freePort();
  const env = {
    PROJECT: "bench",
    CLUSTER: "bench",
    ROOT: "greeting",
    PORT: String(port),
    HOST: "127.0.0.1",
    DRAIN_SECONDS: "0",
    PUBLIC: "false",
    ADMIN_TOKEN_SHA256: "0".repeat(64),
    INSTANCE_ID: "bench",
    RATE_LIMIT: "0",
    ...variables,
  };
  const child = spawn(process.execPath, [...nodeOptions, join(folder, "server.js")], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  while (!(await answers(port))) if (child.exitCode !== null) throw new Error("the app ended");
  return { child, url: `http://127.0.0.1:${port}` };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, path: "/healthz" }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once("error", () => resolve(false));
  });
}

export async function stopApp({ child }: App): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
