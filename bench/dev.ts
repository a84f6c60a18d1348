import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { localStack } from "../scripts/backend.ts";
import { Deployment } from "../test/e2e/deployment.ts";
import { freePort } from "../test/support/ports.ts";
import { median, type Row, seconds } from "./table.ts";

/** A source is saved this many times. */
const saves = 7;

/** `npm run dev` with nine machines: from saving a source of the app to the first answer of the new release, and to the last machine's. */
export async function benchDev(): Promise<Row[]> {
  const deployment = await Deployment.create(
    {
      cloud: "local",
      network: { cidr: "10.94.0.0/16", subnets: [{ cidr: "10.94.1.0/24" }] },
      clusters: [
        { name: "cluster1", min: 5, path: "/cluster1" },
        { name: "cluster2", min: 4, path: "/cluster2" },
      ],
      loadBalancer: { port: await freePort() },
      bucket: { protect: false, empty: true },
    },
    localStack,
  );
  try {
    const up = await deployment.up();
    if (up.code !== 0) throw new Error(up.stdout + up.stderr);
    const dev = deployment.script("dev.ts");
    let shown = "";
    dev.onOutput((text) => {
      shown += text;
    });
    const saw = async (pattern: RegExp) => {
      for (const deadline = Date.now() + 120_000; Date.now() < deadline; await pause(20)) {
        const found = pattern.exec(shown);
        if (found) return found;
      }
      throw new Error(`dev does not say ${pattern}: ${shown}`);
    };
    await saw(/Waiting for changes/);
    const file = join(deployment.root, "service/routes/root.ts");
    const source = await readFile(file, "utf8");
    const [first, all]: [number[], number[]] = [[], []];
    for (let save = 0; save < saves; save += 1) {
      shown = "";
      await writeFile(file, source.replace("Successfully connected", `Connected at ${save}, successfully,`));
      const [, answered, done] = await saw(/answers after ([\d.]+) s, all is done after ([\d.]+) s/);
      first.push(Number(answered));
      all.push(Number(done));
      // What ends a deployment is over before the next one begins, as with someone who looks at the result.
      await pause(1000);
    }
    process.kill(dev.pid, "SIGINT");
    await dev.ended;
    await deployment.destroy();
    return [
      {
        what: "dev: from saving a source to the new release's first answer",
        value: seconds(median(first)),
        beside: `${seconds(Math.min(...first))} to ${seconds(Math.max(...first))}`,
        goal: "3 s",
      },
      { what: "dev: from saving a source to the rollout's end", value: seconds(median(all)) },
    ];
  } finally {
    await deployment.remove();
  }
}
