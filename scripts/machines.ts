import { parseArgs } from "node:util";
import { peakNameOf } from "../config/peaks.ts";
import type { MachineStatus, Machines } from "../operations/machines.ts";
import type { DeployedStack } from "../operations/outputs.ts";
import { cloudNamed } from "../providers/index.ts";
import { clusterImage } from "../service/schedules/schedule.ts";
import { localStack } from "./backend.ts";
import { type Context, runMain } from "./process.ts";
import { deployedStack } from "./pulumi.ts";
import { formatRows } from "./table.ts";

const usage = `Usage: npm run machines [-- [--stack NAME]]   lists the stack's machines

  --stack, -s NAME  which stack; default: ${localStack}
  --help, -h        this`;

/** The machines of a deployed stack, by what its cloud says of them. */
export async function machinesOf(deployed: DeployedStack): Promise<Machines> {
  return (await cloudNamed(deployed.outputs.cloud).machines()).openMachines(deployed);
}

/** The machines of a stack. @throws when it is not deployed */
export async function openMachines(context: Context, stack: string): Promise<Machines> {
  return machinesOf(await deployedStack(context, stack));
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

/** A schedule, as far as it says which machines are its own. */
interface Schedule {
  readonly name: string;
  readonly cluster: string;
  readonly flavor: string;
  readonly image?: string;
  readonly machinesNow: number;
}

/** How long a controller may take to tell its schedules, in milliseconds. */
const schedulesMs = 5_000;

/**
 * By the name of a group of extra machines: the schedules whose machines they are.
 *
 * @throws when the controller does not tell them
 */
export async function schedulesByGroup(
  controllerUrl: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(schedulesMs)]);
  const answer = await fetch(`${controllerUrl}/schedules`, { signal: limit });
  const { message, content = [] } = (await answer.json()) as { message?: string; content?: Schedule[] };
  if (!answer.ok) throw new Error(message);
  const active = content.filter(({ machinesNow }) => machinesNow > 0);
  const groups = Map.groupBy(active, ({ cluster, flavor, image }) =>
    peakNameOf(cluster, flavor, image === clusterImage ? undefined : image),
  );
  return new Map([...groups].map(([group, schedules]) => [group, schedules.map(({ name }) => name)]));
}

/** Machines as a table, a line each; with a controller, whose schedules those are that it has made. */
export function formatMachines(
  machines: readonly MachineStatus[],
  now: number,
  schedules?: ReadonlyMap<string, readonly string[]>,
): string {
  const header = ["CLUSTER", "MACHINE", "ADDRESS", "HEALTH", "RELEASE", "AGE", "RESTARTS"];
  const rows = machines.map(({ cluster, id, address, health, release, launchedAt, restarts }) => [
    cluster,
    id,
    address,
    health,
    release.slice(0, 12),
    age(now - launchedAt.getTime()),
    restarts === undefined ? "" : String(restarts),
    ...(schedules ? [schedules.get(cluster)?.join(", ") ?? ""] : []),
  ]);
  return formatRows([[...header, ...(schedules ? ["SCHEDULE"] : [])], ...rows]).join("\n");
}

async function main(context: Context): Promise<number> {
  const { values } = parseArgs({ options: { stack: { type: "string", short: "s", default: localStack } } });
  const { stack } = values;
  const deployed = await deployedStack(context, stack);
  const { controllerUrl } = deployed.outputs;
  const asked = controllerUrl === undefined ? undefined : schedulesByGroup(controllerUrl, context.signal);
  const unknown = ({ message }: Error) =>
    context.log(`Which schedules have machines is not known: the controller at ${controllerUrl}: ${message}`);
  const [machines, schedules] = await Promise.all([
    (await machinesOf(deployed)).list(),
    asked?.catch(unknown),
  ]);
  const table = formatMachines(machines, Date.now(), schedules ?? undefined);
  console.log(machines.length > 0 ? table : `Stack ${stack} has no machines.`);
  return 0;
}

if (import.meta.main) await runMain(usage, main);
