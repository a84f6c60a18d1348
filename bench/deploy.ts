import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { localStack } from "../scripts/backend.ts";
import { type CommandResult, Deployment } from "../test/e2e/deployment.ts";
import { freePort } from "../test/support/ports.ts";
import { median, type Row, seconds, timed } from "./table.ts";

/** Previews are timed this many times, the two programs in turn. */
const previewRuns = 5;

/** One resource of our plugin that does nothing but exist: what the CLI, the program and the plugin cost by themselves. */
const trivialProgram = `import { AdminToken } from "./components/admin-token.ts";
new AdminToken("one");
`;

/** @param start whether the program is started as Pulumi does it by itself, or after `plan/preload.ts` */
async function previewSeconds(deployment: Deployment, start: "plain" | "preloaded"): Promise<number> {
  const { NODE_OPTIONS: preload, ...plain } = deployment.env;
  const env = start === "plain" ? plain : { ...plain, NODE_OPTIONS: preload };
  return timed(async () => {
    const result = await deployment.pulumiIn(env, "preview", "--stack", deployment.stack, "--color=never");
    if (result.code !== 0) throw new Error(result.stdout + result.stderr);
  });
}

async function upSeconds(up: () => Promise<CommandResult>): Promise<number> {
  return timed(async () => {
    const result = await up();
    if (result.code !== 0) throw new Error(result.stdout + result.stderr);
  });
}

/** `up` of the nine machines from nothing, and `preview` without changes, beside a program with one trivial resource. */
export async function benchDeploy(): Promise<Row[]> {
  const trivial = await Deployment.create({}, localStack);
  const system = await Deployment.create(
    {
      cloud: "local",
      network: { cidr: "10.92.0.0/16", subnets: [{ cidr: "10.92.1.0/24" }, { cidr: "10.92.2.0/24" }] },
      clusters: [
        { name: "cluster1", min: 5, path: "/cluster1", subnets: [0] },
        { name: "cluster2", min: 4, path: "/cluster2", subnets: [1] },
      ],
      loadBalancer: { port: await freePort() },
      bucket: { protect: false, empty: true },
    },
    localStack,
  );
  try {
    await writeFile(join(trivial.root, "index.ts"), trivialProgram);
    const project = join(trivial.root, "Pulumi.yaml");
    await writeFile(project, (await readFile(project, "utf8")).replace(/^ *nodeargs: .*\n/m, ""));
    const [trivialUp, systemUp] = [
      await upSeconds(() => trivial.up()),
      // By the project's own command, which builds the service while the engine starts.
      await upSeconds(() => system.npm("up")),
    ];
    const previews: [plain: number, preloaded: number, system: number][] = [];
    for (let run = 0; run < previewRuns; run += 1) {
      previews.push([
        await previewSeconds(trivial, "plain"),
        await previewSeconds(trivial, "preloaded"),
        await previewSeconds(system, "preloaded"),
      ]);
    }
    await system.destroy();
    const againUp = await upSeconds(() => system.npm("up"));
    const [one = 0, preloaded = 0, all = 0] = [0, 1, 2].map((index) =>
      median(previews.map((run) => run[index] ?? 0)),
    );
    await system.destroy();
    return [
      {
        what: "up of nine machines, all healthy",
        value: seconds(systemUp),
        beside: `${seconds(trivialUp)} (one trivial resource)`,
        goal: "5 s",
      },
      { what: "the same, once the service has been built", value: seconds(againUp) },
      {
        what: "preview without changes",
        value: seconds(all),
        beside: `${seconds(one)} (one trivial resource)`,
        ratio: all / one,
        goal: "ratio 1.15",
      },
      {
        what: "the same",
        value: seconds(all),
        beside: `${seconds(preloaded)} (one trivial resource, by a program that starts as fast)`,
        ratio: all / preloaded,
      },
    ];
  } finally {
    await trivial.remove();
    await system.remove();
  }
}
