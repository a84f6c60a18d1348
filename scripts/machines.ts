import { parseArgs } from "node:util";
import type { MachineStatus, Machines } from "../operations/machines.ts";
import { cloudNamed } from "../providers/index.ts";
import { localStack } from "./backend.ts";
import { type Context, runMain } from "./process.ts";
import { deployedStack } from "./pulumi.ts";
import { formatRows } from "./table.ts";

const usage = `Usage: npm run machines [-- [--stack NAME]]   lists the stack's machines

  --stack, -s NAME  which stack; default: ${localStack}
  --help, -h        this`;

/** The machines of a deployed stack. */
export async function openMachines(context: Context, stack: string): Promise<Machines> {
  const deployed = await deployedStack(context, stack);
  return (await cloudNamed(deployed.outputs.cloud).machines()).openMachines(deployed);
}

/** A duration as people say it, in its two largest units at most; one that clocks make negative is none. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60),
  ];
  if (days > 0) return `${days}d${hours % 24}h`;
  if (hours > 0) return `${hours}h${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}

/** Machines as a table, a line each. */
export function formatMachines(machines: readonly MachineStatus[], now: number): string {
  const header = ["CLUSTER", "MACHINE", "ADDRESS", "HEALTH", "RELEASE", "AGE", "RESTARTS"];
  const rows = machines.map(({ cluster, id, address, health, release, launchedAt, restarts }) => [
    cluster,
    id,
    address,
    health,
    release.slice(0, 12),
    age(now - launchedAt.getTime()),
    restarts === undefined ? "" : String(restarts),
  ]);
  return formatRows([header, ...rows]).join("\n");
}

async function main(context: Context): Promise<number> {
  const { values } = parseArgs({ options: { stack: { type: "string", short: "s", default: localStack } } });
  const machines = await (await openMachines(context, values.stack)).list();
  const { stack } = values;
  console.log(machines.length > 0 ? formatMachines(machines, Date.now()) : `Stack ${stack} has no machines.`);
  return 0;
}

if (import.meta.main) await runMain(usage, main);
