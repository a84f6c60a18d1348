import {
  type Deployment,
  exportStack,
  localStack,
  lockFiles,
  openLocalStack,
  type Pulumi,
  removeStaleLocks,
} from "./backend.ts";
import { attach, type Context, runMain } from "./process.ts";
import { openPulumi } from "./pulumi.ts";
import { destroyReport, npmRun, type Outputs, upReport } from "./report.ts";

const commands = {
  up: ["up"],
  preview: ["preview"],
  refresh: ["refresh"],
  destroy: ["destroy"],
  outputs: ["stack", "output"],
  cancel: ["cancel"],
} as const;

type Command = keyof typeof commands;

/** A command line: the command, the stack it is for, and the flags that go to the CLI as they are. */
export interface Request {
  readonly command: Command;
  readonly stack: string;
  readonly flags: readonly string[];
}

const usage = `Usage: npm run <${Object.keys(commands).join("|")}> [-- [--stack NAME] [flags of the Pulumi CLI]]`;

/** Reads a command line; the stack is `local` unless `--stack NAME` or `-s NAME` names another. */
export function parseRequest([command = "", ...rest]: readonly string[]): Request {
  if (!Object.hasOwn(commands, command))
    throw new Error(`${command || "Nothing"} is not a command.\n${usage}`);
  let stack: string = localStack;
  const flags: string[] = [];
  for (let index = 0; index < rest.length; index++) {
    const argument = rest[index] ?? "";
    const [, attached] = argument.match(/^(?:--stack=|-s=?)(.+)$/) ?? [];
    if (attached !== undefined) stack = attached;
    else if (argument === "--stack" || argument === "-s") stack = rest[++index] ?? "";
    else flags.push(argument);
  }
  if (stack === "" || stack.startsWith("-")) throw new Error(`--stack needs the name of a stack.\n${usage}`);
  return { command: command as Command, stack, flags };
}

/** The CLI's arguments for a request: what the wrapper adds stands before the user's flags, which win. */
export function cliArguments({ command, stack, flags }: Request): string[] {
  const has = (...names: string[]) =>
    flags.some((flag) => names.some((name) => flag === name || flag.startsWith(`${name}=`)));
  const added = ["--stack", stack];
  if (command === "destroy" && !has("--ignore-protect", "--target", "-t")) added.push("--exclude-protected");
  if (stack === localStack && !has("--preview-only")) {
    if (command === "up" || command === "refresh" || command === "destroy")
      added.push("--yes", "--skip-preview");
    if (command === "cancel") added.push("--yes");
  }
  return [...commands[command], ...added, ...flags];
}

/** Carries out one command line on the project in `outer.root`; resolves with the CLI's exit code. */
export async function runStack(outer: Context, argv: readonly string[]): Promise<number> {
  const start = performance.now();
  const request = parseRequest(argv);
  const { command, stack, flags } = request;
  const { cli, context, pulumi } = await openPulumi(outer, stack);
  if (stack === localStack && command !== "cancel") {
    await removeStaleLocks(context, stack);
    await openLocalStack(context, pulumi);
  }
  const ready = performance.now();
  const code = await attach(cli.command, cliArguments(request), { cwd: context.root, env: context.env });
  if (code !== 0) await adviseOnLock(context, request);
  else if (command === "up") {
    const [before, inPulumi] = [ready - start, performance.now() - ready];
    const [printed, exported] = await Promise.all([
      pulumi(["stack", "output", "--json"]),
      stack === localStack ? exportStack(pulumi) : undefined,
    ]);
    if (exported) await reapUnknown(context, exported.deployment);
    const outputs = JSON.parse(printed) as Outputs;
    context.log(`\n${upReport(stack, outputs, { before, inPulumi })}`);
  } else if (command === "destroy" && !flags.includes("--preview-only")) {
    await afterDestroy(context, pulumi, stack);
  }
  return code;
}

/** Removes from the local cloud what killed runs left there and no run has recorded. */
async function reapUnknown(context: Context, deployment: Deployment | undefined): Promise<void> {
  const { reap } = await import("../providers/local/cloud/client.ts");
  const { homeOf } = await import("../providers/local/cloud/home.ts");
  const resources = deployment?.resources ?? [];
  const known = resources.flatMap(({ id }) => id ?? []);
  const location = resources.find(({ type }) => type === "switchyard:local:Cloud")?.id;
  const removed = await reap(homeOf(location, localStack), known);
  if (removed.length > 0) context.log(`Also removed what no run had recorded: ${removed.join(", ")}`);
}

async function afterDestroy(context: Context, pulumi: Pulumi, stack: string): Promise<void> {
  const deployment = (await exportStack(pulumi))?.deployment;
  if (stack === localStack) await reapUnknown(context, deployment);
  context.log(`\n${destroyReport(stack, deployment)}`);
}

/** After a failure: what to do about a lock, when there is one or the backend does not let us see. */
async function adviseOnLock(context: Context, { command, stack }: Request): Promise<void> {
  if (command !== "up" && command !== "refresh" && command !== "destroy") return;
  if (stack === localStack) await removeStaleLocks(context, stack);
  const locks = await lockFiles(context, stack);
  if (locks?.length === 0) return;
  context.log(`If the stack is locked and nothing else is changing it: ${npmRun("cancel", stack)}`);
}

if (import.meta.main) await runMain((context) => runStack(context, process.argv.slice(2)));
