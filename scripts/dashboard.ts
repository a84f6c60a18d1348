import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createDashboard, Observer } from "../operations/dashboard/server.ts";
import type { DeployedStack } from "../operations/outputs.ts";
import { bundlePage } from "../release/page.ts";
import { localStack } from "./backend.ts";
import { machinesOf } from "./machines.ts";
import { type Context, runMain } from "./process.ts";
import { deployedStack } from "./pulumi.ts";

const usage = `Usage: npm run dashboard [-- [--stack NAME] [--port PORT]]

Shows a deployed stack on a page of this machine alone, until Ctrl-C: clusters, machines, health, releases, requests per second
and how many of them fail, and rollouts as they go.

  --port PORT       where it listens; default: any that is free
  --stack, -s NAME  which stack; default: ${localStack}
  --help, -h        this`;

/** How long a stack's outputs are taken as they are, in milliseconds: reading them runs the CLI. */
const outputsMs = 30_000;

/** How old what is shown of machines may be, in milliseconds: clouds count how often they are asked. */
const [localMs, cloudMs] = [900, 5_000];

/** The page's files, by name. */
export async function dashboardFiles(root: string): Promise<Readonly<Record<string, Uint8Array>>> {
  const { files } = await bundlePage(root, "operations/dashboard/page");
  return { ...files, "base.css": readFileSync(join(root, "service/page/page.css")) };
}

/** What a look returned is returned again for a while; a look that failed is made again. */
function remembered<T>(look: () => Promise<T>, first: T, ms: number): () => Promise<T> {
  let known: Promise<T> = Promise.resolve<Awaited<T>>(first as Awaited<T>);
  let until = performance.now() + ms;
  return () => {
    if (performance.now() > until) {
      known = look();
      until = performance.now() + ms;
      known.catch(() => {
        until = 0;
      });
    }
    return known;
  };
}

async function main(context: Context): Promise<number> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      stack: { type: "string", short: "s", default: localStack },
    },
  });
  const { stack, port } = values;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new Error(`--port ${port}: it must be a number from 0 to 65535`);
  const deployed = await deployedStack(context, stack);
  const machines = await machinesOf(deployed);
  const look = (): Promise<DeployedStack> => deployedStack(context, stack);
  const freshMs = deployed.outputs.cloud === "local" ? localMs : cloudMs;
  const observer = new Observer(remembered(look, deployed, outputsMs), machines, freshMs);
  const app = createDashboard(observer, await dashboardFiles(context.root));
  console.log(
    `${await app.listen({ host: "127.0.0.1", port: Number(port) })} shows stack ${stack} until Ctrl-C.`,
  );
  const { signal } = context;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await app.close();
  return 0;
}

if (import.meta.main) await runMain(usage, main);
