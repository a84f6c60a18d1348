import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Deployment } from "../test/e2e/deployment.ts";
import { freePort } from "../test/support/ports.ts";
import { median, type Row, seconds, timed } from "./table.ts";

/** Previews are timed this many times, the two programs in turn. */
const previewRuns = 5;

/** One resource of our plugin that does nothing but exist: what the CLI, the program and the plugin cost by themselves. */
const trivialProgram = `import { AdminToken } from "./components/admin-token.ts";
new AdminToken("one");
`;

async function previewSeconds(deployment: Deployment): Promise<number> {
  return timed(async () => {
    const result = await deployment.pulumi("preview", "--stack", deployment.stack, "--color=never");
    if (result.code !== 0) throw new Error(result.stdout + result.stderr);
  });
}

async function upSeconds(deployment: Deployment): Promise<number> {
  return timed(async () => {
    const result = await deployment.up();
    if (result.code !== 0) throw new Error(result.stdout + result.stderr);
  });
}

/** `up` of the nine machines from nothing, and `preview` without changes, beside a program with one trivial resource. */
export async function benchDeploy(): Promise<Row[]> {
  const trivial = await Deployment.create({});
  const system = await Deployment.create({
    cloud: "local",
    network: { cidr: "10.92.0.0/16", subnets: [{ cidr: "10.92.1.0/24" }, { cidr: "10.92.2.0/24" }] },
    clusters: [
      { name: "cluster1", min: 5, path: "/cluster1", subnets: [0] },
      { name: "cluster2", min: 4, path: "/cluster2", subnets: [1] },
    ],
    loadBalancer: { port: await freePort() },
    bucket: { protect: false, empty: true },
  });
  try {
    await writeFile(join(trivial.root, "index.ts"), trivialProgram);
    const [trivialUp, systemUp] = [await upSeconds(trivial), await upSeconds(system)];
    const previews: { trivial: number[]; system: number[] } = { trivial: [], system: [] };
    for (let run = 0; run < previewRuns; run += 1) {
      previews.trivial.push(await previewSeconds(trivial));
      previews.system.push(await previewSeconds(system));
    }
    const [one, all] = [median(previews.trivial), median(previews.system)];
    await system.destroy();
    return [
      {
        what: "up of nine machines, all healthy",
        value: seconds(systemUp),
        beside: `${seconds(trivialUp)} (one trivial resource)`,
        goal: "8 s",
      },
      {
        what: "preview without changes",
        value: seconds(all),
        beside: `${seconds(one)} (one trivial resource)`,
        ratio: all / one,
        goal: "ratio 1.3",
      },
    ];
  } finally {
    await trivial.remove();
    await system.remove();
  }
}
