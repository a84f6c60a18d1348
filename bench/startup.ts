import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildRelease } from "../components/release-build.ts";
import { freePort } from "../test/e2e/deployment.ts";
import { median, type Row, seconds, timed } from "./table.ts";

const runs = 7;

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, path: "/healthz" }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once("error", () => resolve(false));
  });
}

/** Runs a script until it answers, or a script that only ends until it has ended. */
async function startOnce(args: readonly string[], port?: number): Promise<number> {
  const env = {
    PROJECT: "bench",
    CLUSTER: "bench",
    CLUSTER_PATH: "",
    ROOT: "greeting",
    PORT: String(port ?? 0),
    HOST: "127.0.0.1",
    DRAIN_SECONDS: "0",
    PUBLIC: "false",
    ADMIN_TOKEN_SHA256: "0".repeat(64),
    INSTANCE_ID: "bench",
    LOG_LEVEL: "error",
  };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(child, "exit");
  const took = await timed(async () => {
    if (port === undefined) await ended;
    else while (!(await answers(port))) if (child.exitCode !== null) throw new Error("the app ended");
  });
  child.kill();
  await ended;
  return took;
}

/** From the start of the process to the app's first answer, beside a Node.js that does nothing; and what it is made of. */
export async function benchStartup(): Promise<Row[]> {
  const { file } = await buildRelease();
  const folder = mkdtempSync(join(tmpdir(), "switchyard-bench-"));
  try {
    execFileSync("tar", ["-xzf", file, "-C", folder]);
    const bundle = join(folder, "server.js");
    const [app, empty]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run += 1) {
      app.push(await startOnce([bundle], await freePort()));
      empty.push(await startOnce(["-e", "0"]));
    }
    return [
      {
        what: "start-up of the app to its first answer",
        value: seconds(median(app)),
        beside: `${seconds(median(empty))} (an empty Node.js)`,
        ratio: median(app) / median(empty),
        goal: "0.4 s",
      },
      {
        what: "size of the bundle, and of the release",
        value: `${Math.round(statSync(bundle).size / 1024)} KiB`,
        beside: `${Math.round(statSync(file).size / 1024)} KiB packed`,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
