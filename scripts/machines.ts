import { parseArgs } from "node:util";
import type { MachineStatus, Machines } from "../operations/machines.ts";
import { cloudNamed } from "../providers/index.ts";
import { localStack } from "./backend.ts";
import { type Context, runMain } from "./process.ts";
import { deployedStack } from "./pulumi.ts";
import { formatRows } from "./table.ts";

const usage = `Usage: npm run machines [-- [--stack NAME]]          lists the stack's machines
       npm run logs -- MACHINE [--follow] [--stack NAME]   shows the log of one

  --stack, -s NAME  which stack; default: ${localStack}
  --follow, -f      goes on with what is written from now
  --help, -h        this`;

async function open(context: Context, stack: string): Promise<Machines> {
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

async function list(context: Context, stack: string): Promise<number> {
  const machines = await (await open(context, stack)).list();
  console.log(machines.length > 0 ? formatMachines(machines, Date.now()) : `Stack ${stack} has no machines.`);
  return 0;
}

async function logs(context: Context, stack: string, id: string, follow: boolean): Promise<number> {
  const machines = await open(context, stack);
  for await (const text of machines.logs(id, { follow, signal: context.signal })) process.stdout.write(text);
  return 0;
}

function main(context: Context): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      stack: { type: "string", short: "s", default: localStack },
      follow: { type: "boolean", short: "f", default: false },
    },
  });
  const [command, machine, ...rest] = positionals;
  if (command === "list" && !machine) return list(context, values.stack);
  if (command === "logs" && machine && rest.length === 0)
    return logs(context, values.stack, machine, values.follow);
  throw new Error(usage);
}

if (import.meta.main) await runMain(usage, main);
