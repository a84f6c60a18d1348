import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Clone, Clones } from "../operations/clones.ts";
import { type MachineStatus, machineOf } from "../operations/machines.ts";
import { cloudNamed } from "../providers/index.ts";
import { localStack } from "./backend.ts";
import { age, machinesOf } from "./machines.ts";
import { type Context, runMain } from "./process.ts";
import { deployedStack } from "./pulumi.ts";
import { npmRun } from "./report.ts";
import { formatRows, inSeconds, markdownTable } from "./table.ts";

/** The most clones that one command makes. */
const mostAtOnce = 20;

/** How long a clone may take to answer, in milliseconds. */
const answerLimitMs = 15 * 60_000;

const usage = `Usage: npm run clones -- create --from MACHINE [--count 3] [--timing TIMING.md]   clones a running machine
       npm run clones -- ls                lists clones
       npm run clones -- rm NAME… | --all  removes some or all, and the snapshots they were made of

create snapshots the machine's disk, makes the clones side by side, waits until each answers, and writes how long each
took. Clones get no requests from the load balancer, and go with the stack.

  --from MACHINE    the machine, as npm run machines lists it
  --count N         how many, up to ${mostAtOnce}; default: 3
  --timing FILE     where the times go; default: TIMING.md
  --stack, -s NAME  which stack; default: ${localStack}
  --help, -h        this`;

export interface ClonesRequest {
  readonly command: "create" | "ls" | "rm";
  readonly stack: string;
  readonly from: string;
  readonly count: number;
  readonly timing: string;
  /** Which to remove; absent: all. */
  readonly names?: readonly string[];
}

/** Reads a command line; fails with what is wrong and how it is used. */
export function parseClonesRequest(args: readonly string[]): ClonesRequest {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: "string", default: "" },
      count: { type: "string", default: "3" },
      timing: { type: "string", default: "TIMING.md" },
      all: { type: "boolean", default: false },
      stack: { type: "string", short: "s", default: localStack },
    },
  });
  const [command, ...names] = positionals;
  const { from, timing, stack, all } = values;
  const known = command === "create" || command === "ls" || command === "rm";
  const isWrong = command === "rm" ? all === names.length > 0 : names.length > 0 || all;
  if (!known || isWrong || (command === "create") !== (from !== "")) throw new Error(usage);
  const count = /^\d{1,3}$/.test(values.count) ? Number(values.count) : 0;
  if (count < 1 || count > mostAtOnce)
    throw new Error(`--count ${values.count}: it must be a number from 1 to ${mostAtOnce}`);
  return { command, stack, from, count, timing, ...(command === "rm" && !all && { names }) };
}

/** When something was asked for, made and answered. */
export interface Timed {
  readonly name: string;
  readonly id: string;
  /** Absent: the deployment asked for it. */
  readonly askedAt?: Date;
  readonly createdAt: Date;
  /** Absent: nothing says so any more. */
  readonly answeredAt?: Date | undefined;
}

export interface ClonesReport {
  readonly stack: string;
  readonly snapshot: { readonly id: string; readonly askedAt: Date; readonly readyAt: Date };
  readonly first: Timed;
  readonly clones: readonly Timed[];
}

/** The times of clones beside those of the machine that they are made of, in Markdown. */
export function clonesReport({ stack, snapshot, first, clones }: ClonesReport): string {
  const row = ({ name, id, askedAt, createdAt, answeredAt }: Timed) => [
    name,
    id,
    askedAt?.toISOString() ?? "",
    createdAt.toISOString(),
    answeredAt?.toISOString() ?? "",
    answeredAt ? inSeconds(+answeredAt - +(askedAt ?? createdAt)) : "",
  ];
  return [
    `# Clones of machine ${first.id} of stack ${stack}`,
    "",
    `Snapshot ${snapshot.id}: asked for at ${snapshot.askedAt.toISOString()}, ready after ${inSeconds(+snapshot.readyAt - +snapshot.askedAt)} s.`,
    "",
    markdownTable([
      ["Machine", "Id", "Asked for", "Created", "First answered", "Took (s)"],
      row(first),
      ...clones.map(row),
    ]),
    "",
    "A clone took the time from when it was asked for to its first answer; the first machine, which the deployment asked for, from when it was created. Answers are those to a machine's own startup script, by the machine's clock.",
    "",
  ].join("\n");
}

/** Names that no clone has, the lowest numbers first. */
export function freeNames(clones: readonly Pick<Clone, "name">[], count: number): string[] {
  const taken = new Set(clones.map(({ name }) => name));
  const all = Array.from({ length: count + taken.size }, (_, index) => `clone-${index + 1}`);
  return all.filter((name) => !taken.has(name)).slice(0, count);
}

/** Makes clones of a machine, and waits until each answers. @throws when one does not, naming each and why */
export async function createClones(
  clones: Clones,
  first: MachineStatus,
  { stack, count }: Pick<ClonesRequest, "stack" | "count">,
  { log, signal }: Pick<Context, "log" | "signal">,
): Promise<ClonesReport> {
  const names = freeNames(await clones.list(), count);
  log(`Making a snapshot of machine ${first.id} …`);
  const askedAt = new Date();
  const id = await clones.snapshot(first.id);
  const readyAt = new Date();
  log(`Making ${names.join(", ")} of it …`);
  const made = await Promise.allSettled(
    names.map(async (name): Promise<Timed> => {
      const askedAt = new Date();
      const { id: cloneId = "", createdAt } = await clones.create(id, first.id, name);
      const answeredAt = await firstAnswer(clones, cloneId, signal);
      log(`${name} (${cloneId}) answers`);
      return { name, id: cloneId, askedAt, createdAt, answeredAt };
    }),
  );
  const failures = made.flatMap((one, at) =>
    one.status === "rejected" ? [`${names[at]}: ${(one.reason as Error).message}`] : [],
  );
  if (failures.length > 0) {
    const rm = npmRun("clones", stack, "rm", ...names);
    throw new Error(`Not every clone answers. To remove them: ${rm}\n${failures.join("\n")}`);
  }
  return {
    stack,
    snapshot: { id, askedAt, readyAt },
    first: {
      name: "the first machine",
      id: first.id,
      createdAt: first.launchedAt,
      answeredAt: await clones.answeredAt(first.id),
    },
    clones: made.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
  };
}

async function firstAnswer(clones: Clones, id: string, signal: AbortSignal): Promise<Date> {
  const deadline = performance.now() + answerLimitMs;
  for (;;) {
    const at = await clones.answeredAt(id);
    if (at) return at;
    if (performance.now() > deadline)
      throw new Error(`${id} has not answered within ${answerLimitMs / 60_000} minutes`);
    await pause(clones.everyMs, undefined, { signal });
  }
}

function show(clones: readonly Clone[], stack: string): string {
  if (clones.length === 0) return `Stack ${stack} has no clones.`;
  const rows = clones.map(({ name, id = "", of, address, state, createdAt }) => [
    name,
    id,
    of,
    address,
    state,
    age(Date.now() - +createdAt),
  ]);
  return formatRows([["NAME", "MACHINE", "CLONE OF", "ADDRESS", "STATE", "AGE"], ...rows]).join("\n");
}

async function main(context: Context): Promise<number> {
  const request = parseClonesRequest(process.argv.slice(2));
  const { command, stack, from, timing } = request;
  const deployed = await deployedStack(context, stack);
  const cloud = cloudNamed(deployed.outputs.cloud);
  const clones = (await cloud.clones()).openClones(deployed);
  if (command === "ls") {
    console.log(show(await clones.list(), stack));
    return 0;
  }
  if (command === "rm") {
    const there = (await clones.list()).map(({ name }) => name);
    const names = request.names ?? there;
    const missing = names.filter((name) => !there.includes(name));
    if (missing.length > 0)
      throw new Error(`There is no ${missing.join(", ")}; there are: ${there.join(", ") || "none"}`);
    await clones.remove(names);
    context.log(`Removed ${names.join(", ") || "snapshots alone: there was no clone"}.`);
    return 0;
  }
  const machines = await (await machinesOf(deployed)).list();
  const first = machineOf(machines, from, stack);
  if (first.health !== "healthy")
    throw new Error(`machine ${from} is ${first.health}: only a healthy one can be cloned`);
  const report = clonesReport(await createClones(clones, first, request, context));
  await writeFile(timing, report);
  console.log(report);
  context.log(`Written to ${timing}. To remove them: ${npmRun("clones", stack, "rm", "--all")}`);
  return 0;
}

if (import.meta.main) await runMain(usage, main);
