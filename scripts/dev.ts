import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type LogLine, logLinesOf, mergeByTime } from "../operations/log-lines.ts";
import type { DeployedStack } from "../operations/outputs.ts";
import { localStack } from "./backend.ts";
import { formatLogLine } from "./logs.ts";
import { machinesOf } from "./machines.ts";
import { type Context, capture, runMain } from "./process.ts";
import { type OpenedPulumi, openPulumi, outputsOf } from "./pulumi.ts";
import { npmRun } from "./report.ts";
import { buildAhead, cliArguments, runStack } from "./stack.ts";
import { inSeconds } from "./table.ts";
import { watchSources } from "./watch.ts";

const usage = `Usage: npm run dev

Deploys the stack ${localStack}, and again whenever a source or its file is saved: types are checked, the service is bundled, and
machines are rolled. What machines write is shown below, by its time. A release that fails says why, and the one before
serves on. Ctrl-C ends this; the stack stays up.

  --help, -h  this`;

/** Pause between two looks at which release answers, and at which machines there are, in milliseconds. */
const lookMs = 50;
const machinesMs = 500;

/** How long a line of the log waits for earlier ones of other machines, in milliseconds. */
const quietMs = 50;

/** How a deployment went. */
interface Outcome {
  /** What is wrong, in the words of whoever found it; undefined: nothing is. */
  readonly problem?: string;
  /** Whether the engine found anything to do. */
  readonly isChanged: boolean;
  /** When the first machine with another release answered, and which, in milliseconds since 1970. */
  readonly answered?: { readonly release: string; readonly at: number };
}

/** What an engine that failed says of why: its diagnostics, without the list of resources around them. */
export function problemIn(output: string): string {
  const [, diagnostics] =
    /^Diagnostics:\n([\s\S]*?)(?=^(?:Outputs|Resources|Duration):|$(?![\s\S]))/m.exec(output) ?? [];
  return (diagnostics ?? output)
    .split("\n")
    .filter((line) => !/^\s*(pulumi:pulumi:Stack \(|error: (update|preview) failed\s*$)/.test(line))
    .join("\n")
    .trim();
}

/** Whether an engine that succeeded had nothing to do. */
export function isUnchanged(output: string): boolean {
  return /^Resources:\n\s+\d+ unchanged\n/m.test(output);
}

/** Looks which release answers at a URL, until it is another one or the signal is aborted. */
async function otherRelease(
  { outputs: { url, release, clusters } }: DeployedStack,
  signal: AbortSignal,
): Promise<Outcome["answered"]> {
  const known = new Set([release, ...Object.values(clusters).map((cluster) => cluster.release)]);
  while (!signal.aborted) {
    // Nobody may answer for a moment, when the load balancer itself is what is being changed.
    const answer = await fetch(new URL("/healthz", url), { signal }).catch(() => undefined);
    await answer?.body?.cancel();
    const found = answer?.headers.get("x-release");
    if (found && !known.has(found)) return { release: found, at: Date.now() };
    await pause(lookMs, undefined, { signal }).catch(() => {});
  }
  return undefined;
}

/** Deploys what is saved now. */
async function deploy({ cli, context }: OpenedPulumi, deployed: DeployedStack | undefined): Promise<Outcome> {
  const args = cliArguments({ command: "up", stack: localStack, flags: ["--color=never"] });
  const ended = new AbortController();
  const looking = deployed && otherRelease(deployed, ended.signal);
  // Not ended with this command: a deployment that is cut off leaves a lock.
  const running = capture(cli.command, args, { cwd: context.root, env: context.env });
  const building = buildAhead(context.root);
  const { code, stdout, stderr } = await running;
  // An answer may be on its way still.
  if (code === 0) await pause(2 * lookMs);
  ended.abort();
  const answered = await looking;
  await building;
  const rest = { isChanged: !isUnchanged(stdout), ...(answered && { answered }) };
  return code === 0 ? rest : { ...rest, problem: problemIn(stdout + stderr) };
}

/** One line for a deployment that went well. @param start when its cause was saved, in milliseconds since 1970 */
export function outcomeLine({ isChanged, answered }: Outcome, start: number, end: number): string {
  if (!isChanged) return "Nothing to deploy: what runs is the same.";
  const all = `all is done after ${inSeconds(end - start)} s`;
  if (!answered) return `Deployed: ${all}.`;
  return `Release ${answered.release.slice(0, 12)} answers after ${inSeconds(answered.at - start)} s, ${all}.`;
}

/** Whether the app wrote a line on what it does; how machines come and go is told by the deployment. */
function isOwn({ level, text }: LogLine): boolean {
  return level !== undefined && (level !== "info" || !/^(Server listening|stopping$|stopped$)/.test(text));
}

/** Shows what machines write from now, those too that come later. */
async function showLogs(
  deployed: () => DeployedStack | undefined,
  { signal, log }: Pick<Context, "signal" | "log">,
  show: (lines: readonly LogLine[]) => void,
): Promise<void> {
  const since = Date.now();
  const known = new Set<string>();
  const logs: Promise<void>[] = [];
  const fail = ({ message }: Error) => void (signal.aborted || log(`The logs: ${message}`));
  while (!signal.aborted) {
    const stack = deployed();
    const machines = stack && (await machinesOf(stack));
    for (const machine of (await machines?.list().catch(fail)) ?? []) {
      if (!machines || known.has(machine.id)) continue;
      known.add(machine.id);
      const lines = logLinesOf(machine, machines.logs(machine.id, { follow: true, signal }));
      const following = mergeByTime([lines], quietMs, (batch) => {
        const own = batch.filter((line) => line.time >= since && isOwn(line));
        if (own.length > 0) show(own);
      });
      logs.push(following.catch(fail));
    }
    await pause(machinesMs, undefined, { signal }).catch(() => {});
  }
  await Promise.all(logs);
}

async function main(context: Context): Promise<number> {
  parseArgs({ options: {} });
  const { root, signal, log } = context;
  const watcher = watchSources(root);
  const code = await runStack(context, ["up"]);
  const opened = await openPulumi(context, localStack);
  const look = () => outputsOf(opened.pulumi, localStack).catch(() => undefined);
  let deployed = code === 0 ? await look() : undefined;
  const color = process.stdout.isTTY && process.stdout.hasColors();
  const logs = showLogs(
    () => deployed,
    context,
    (lines) => console.log(lines.map((line) => formatLogLine(line, color)).join("\n")),
  );
  log("\nWaiting for changes. Ctrl-C ends this; the stack stays up.");
  while (!signal.aborted) {
    const changed = await watcher.changes(signal);
    if (changed.length === 0) break;
    const start = Date.now();
    log(`\n${changed.slice(0, 3).join(", ")}${changed.length > 3 ? " …" : ""} changed: deploying`);
    const outcome = await deploy(opened, deployed);
    if (outcome.problem === undefined) log(outcomeLine(outcome, start, Date.now()));
    else
      log(`${outcome.problem}\n${deployed ? "Not deployed: what ran before serves on." : "Not deployed."}`);
    if (outcome.isChanged) deployed = (await look()) ?? deployed;
  }
  watcher.close();
  await logs;
  log(`\nThe stack stays up: ${npmRun("destroy", localStack)} removes it.`);
  return 0;
}

if (import.meta.main) await runMain(usage, main);
