import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { startApp, stopApp, withRelease } from "./app.ts";
import { median, type Row, seconds, timed } from "./table.ts";

const runs = 7;

async function startOnce(folder: string): Promise<number> {
  const start = performance.now();
  const app = await startApp(folder, { LOG_LEVEL: "error" });
  const took = (performance.now() - start) / 1000;
  await stopApp(app);
  return took;
}

function startEmpty(): Promise<number> {
  return timed(() => once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit"));
}

/** From the start of the process to the app's first answer, beside a Node.js that does nothing; and what it is made of. */
export function benchStartup(): Promise<Row[]> {
  return withRelease(async (folder, archive) => {
    const [app, empty]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run += 1) {
      app.push(await startOnce(folder));
      empty.push(await startEmpty());
    }
    const kib = (file: string) => `${Math.round(statSync(file).size / 1024)} KiB`;
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
        value: kib(join(folder, "server.js")),
        beside: `${kib(archive)} packed`,
      },
    ];
  });
}
