import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readProjectFile, readStackFile, type StackFile } from "../config/stack-file.ts";
import { type DeployedStack, readOutputs } from "../operations/outputs.ts";
import { noStackFile, stackFile } from "../operations/stacks.ts";
import {
  type Deployment,
  exportStack,
  isNoStack,
  localStack,
  makeLocalStack,
  noStack,
  openLocalStack,
  unsettledOf,
} from "./backend.ts";
import { destroyWithData } from "./destroy.ts";
import { forgetCreations, removeLeftovers } from "./leftovers.ts";
import { lockedBy, readLocks, removeStaleLocks } from "./locks.ts";
import { attach, type Context, runMain } from "./process.ts";
import { type OpenedPulumi, openPulumi, outputsOf } from "./pulumi.ts";
import { findRelease, shortCommit } from "./releases.ts";
import { destroyReport, fullReport, npmRun, upReport } from "./report.ts";
import { outputsIn, readState } from "./state-file.ts";
import { formatRows } from "./table.ts";
import { timed } from "./timing.ts";

interface CommandSpec {
  /** The CLI's words for it. */
  readonly cli: readonly string[];
  /** What it does, for its usage. */
  readonly does: string;
  /** Whether it changes the stack. */
  readonly changes?: true;
  /** Whether it runs the program, which needs the stack's file. */
  readonly runs?: true;
}

const commands = {
  up: { cli: ["up"], does: "Makes the stack what its configuration says.", changes: true, runs: true },
  preview: { cli: ["preview"], does: "Shows what `up` would change.", runs: true },
  refresh: { cli: ["refresh"], does: "Compares what is recorded with what is there.", changes: true },
  destroy: { cli: ["destroy"], does: "Removes all that is not protected.", changes: true },
  outputs: { cli: ["stack", "output"], does: "Shows what the stack outputs, or one of it by its name." },
  cancel: { cli: ["cancel"], does: "Unlocks a stack whose deployment was killed." },
} as const satisfies Record<string, CommandSpec>;

type Command = keyof typeof commands;

/** A command line: the command, the stack it is for, and the flags that go to the CLI as they are. */
export interface Request {
  readonly command: Command;
  readonly stack: string;
  readonly flags: readonly string[];
  /** Of `destroy`: whether what is protected goes too. */
  readonly withData?: true;
  /** The stack's configuration, where the CLI is told that it is in another file; relative to the project's folder. */
  readonly configFile?: string;
  /** Of `up`: the file that says how long each resource took. */
  readonly timing?: string;
  /** Of `up` and `preview`: the kept release that is deployed instead of one that is built. */
  readonly release?: string;
  /** The stack's name, given beforehand instead of when it is asked for. */
  readonly confirm?: string;
}

/** How a command is used; of all, when it is none. */
export function usageOf(command = ""): string {
  if (!isCommand(command)) {
    return `Usage: npm run <${Object.keys(commands).join("|")}> [-- [--stack NAME] [flags of the Pulumi CLI]]`;
  }
  const { cli, does } = commands[command];
  const own = [
    ["--stack, -s NAME", `which stack; default: ${localStack}`],
    ...(command === "destroy"
      ? [
          [
            "--with-data",
            "what is protected goes too, with all it holds, once the stack's name is given again",
          ],
          ["--confirm NAME", "gives that name, where nobody can be asked"],
        ]
      : []),
    ...(command === "up" || command === "preview"
      ? [["--release ID", "takes this one of npm run releases, instead of building service/"]]
      : []),
    ...(command === "up"
      ? [["--timing FILE", "writes when each resource began, how long it took and what it waited for"]]
      : []),
    ["--help, -h", "this"],
  ];
  return [
    `Usage: npm run ${command} [-- [--stack NAME] [flags]]`,
    "",
    does,
    "",
    ...formatRows(own).map((line) => `  ${line}`),
    "",
    `All other flags go to \`pulumi ${cli.join(" ")}\`, which lists them: npx pulumi ${cli.join(" ")} --help`,
  ].join("\n");
}

function isCommand(command: string): command is Command {
  return Object.hasOwn(commands, command);
}

/** Flags of the CLI that take a value: the value is neither a flag of ours nor an argument. */
const cliOptions = {
  color: { type: "string" },
  config: { type: "string", short: "c", multiple: true },
  "config-file": { type: "string" },
  cwd: { type: "string", short: "C" },
  message: { type: "string", short: "m" },
  parallel: { type: "string", short: "p" },
  target: { type: "string", short: "t", multiple: true },
  verbose: { type: "string", short: "v" },
} as const;

/** Reads a command line; the stack is `local` unless `--stack NAME` or `-s NAME` names another. */
export function parseRequest([command = "", ...args]: readonly string[]): Request {
  if (!isCommand(command)) throw new Error(`${command || "Nothing"} is not a command.\n${usageOf()}`);
  const builds = command === "up" || command === "preview";
  const { values, tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    options: {
      ...cliOptions,
      stack: { type: "string", short: "s", default: localStack },
      ...(command === "destroy" && { "with-data": { type: "boolean" }, confirm: { type: "string" } }),
      ...(command === "up" && { timing: { type: "string" } }),
      ...(builds && { release: { type: "string" } }),
    },
  });
  const stack = typeof values.stack === "string" ? values.stack.replace(/^=/, "") : "";
  if (stack === "" || stack.startsWith("-"))
    throw new Error(`--stack needs the name of a stack.\n${usageOf(command)}`);
  const isOwn = (name: string) =>
    name === "stack" ||
    (command === "destroy" && ["with-data", "confirm"].includes(name)) ||
    (command === "up" && name === "timing") ||
    (builds && name === "release");
  const own = new Set(
    tokens.flatMap((token) => {
      if (token.kind !== "option" || !isOwn(token.name)) return [];
      return token.inlineValue === false ? [token.index, token.index + 1] : [token.index];
    }),
  );
  const flags = args.filter((_, index) => !own.has(index));
  const configFile = values["config-file"];
  const { timing, release } = values;
  if (timing === true || timing === "")
    throw new Error(`--timing needs the name of a file.\n${usageOf(command)}`);
  if (release === true || release === "")
    throw new Error(`--release needs the id of a kept release (npm run releases).\n${usageOf(command)}`);
  const request = {
    command,
    stack,
    flags,
    ...(typeof configFile === "string" && { configFile }),
    ...(typeof timing === "string" && { timing }),
    ...(typeof release === "string" && { release }),
  };
  if (!values["with-data"]) return request;
  const limits = ["target", "exclude", "preview-only", "exclude-protected"].filter((name) => name in values);
  if (limits.length > 0)
    throw new Error(`--with-data removes the whole stack: it cannot stand beside --${limits[0]}.`);
  const { confirm } = values;
  return { ...request, withData: true, ...(typeof confirm === "string" && { confirm }) };
}

/** The CLI's arguments for a request: what the wrapper adds stands before the user's flags, which win. */
export function cliArguments({ command, stack, flags }: Request): string[] {
  const has = (...names: string[]) =>
    flags.some((flag) => names.some((name) => flag === name || flag.startsWith(`${name}=`)));
  const added = ["--stack", stack];
  if (command === "destroy" && !has("--ignore-protect", "--target", "-t")) added.push("--exclude-protected");
  if (stack === localStack && !has("--preview-only")) {
    if ("changes" in commands[command]) added.push("--yes", "--skip-preview");
    if (command === "cancel") added.push("--yes");
  }
  return [...commands[command].cli, ...added, ...flags];
}

/** Carries out one command line on the project in `outer.root`; resolves with the CLI's exit code. */
export async function runStack(outer: Context, argv: readonly string[]): Promise<number> {
  const start = performance.now();
  const request = parseRequest(argv);
  const config = checkStackFile(outer, request);
  const builds = config && request.release === undefined && config["switchyard:release"] === undefined;
  const opened = await openPulumi(outer, request.stack);
  const { command, stack, flags } = request;
  const { cli, context, pulumi } = opened;
  if (command === "cancel") {
    const code = await refuseCancel(context, stack);
    if (code !== undefined) return code;
  }
  await prepareLocal(opened, request);
  const looks = stack !== localStack && ["up", "preview", "destroy"].includes(command);
  const found = looks ? await stateOf(opened, stack) : undefined;
  const deploys = ["up", "destroy"].includes(command) && !flags.includes("--preview-only");
  const isCleared = deploys && (await removeLeftovers(context, stack, found));
  if (request.withData) {
    const code = await destroyWithData(opened, request);
    if (code === 0) await afterDestroy(opened, stack);
    return code;
  }
  const pinned = await pinRelease(opened, request);
  const reading = readFirst(context, request, found);
  const ready = performance.now();
  const run = (more: readonly string[] = [], env: NodeJS.ProcessEnv = {}) => {
    const args = cliArguments({ ...request, flags: [...reading, ...more, ...flags] });
    const ended = attach(cli.command, args, {
      cwd: context.root,
      env: { ...context.env, ...pinned, ...env },
    });
    if (builds) buildAhead(context.root);
    return ended;
  };
  const code = await (request.timing === undefined ? run() : timed(opened, stack, request.timing, run));
  if (code !== 0) await advise(opened, request);
  else if (deploys && command === "up") {
    const [before, inPulumi] = [ready - start, performance.now() - ready];
    const { outputs, state } = await readDeployed(opened, stack);
    if (state) await reapUnknown(context, state);
    if (isCleared) await forgetCreations(pulumi, found);
    context.log(`\n${upReport(outputs, { before, inPulumi })}`);
  } else if (deploys) await afterDestroy(opened, stack);
  return code;
}

/**
 * Fails, before anything is started, when the program could not know what the stack is to be, or would be told something
 * else than the stack's file says to a plan.
 *
 * @returns the stack's configuration, when the command runs the program
 */
function checkStackFile(
  { root }: Context,
  { command, stack, withData, configFile }: Request,
): StackFile["config"] | undefined {
  const isRun = "runs" in commands[command];
  if (!isRun && !withData) return undefined;
  const file = configFile === undefined ? join(root, stackFile(stack)) : resolve(root, configFile);
  if (!existsSync(file)) throw noStackFile(root, stack, configFile);
  const { config } = readStackFile(file, readProjectFile(root).name);
  return isRun ? config : undefined;
}

/**
 * Builds the service while the CLI, the engine and the program start: the program then finds what was built, or waits for
 * it (`takeTurn`). What is wrong with the service, the program finds again, and says.
 */
export function buildAhead(root: string): Promise<unknown> {
  return import("../release/build.ts").then(({ buildRelease }) => buildRelease({ root })).catch(() => {});
}

/** What the stack `local` needs before a command. One that changes nothing leaves it as it is, once it is there. */
async function prepareLocal({ context, pulumi }: OpenedPulumi, { command, stack }: Request): Promise<void> {
  if (stack !== localStack) return;
  const changes = "changes" in commands[command];
  if (changes) {
    const [lock] = await removeStaleLocks(context, stack);
    if (lock) throw new Error(lockedBy(stack, lock));
  }
  const state = await readState(context, readProjectFile(context.root).name, stack);
  if (state && (state.pending_operations ?? []).length === 0) return;
  if (changes) await openLocalStack(context, pulumi);
  else if (command === "preview") await makeLocalStack(pulumi);
}

/**
 * The flag by which a deployment to a cloud reads what is there, after one that failed or was killed. Providers record a
 * change that the cloud refused as made, so the next deployment would leave it out; and one that was cut off may have been
 * made, though nothing recorded it.
 */
function readFirst(
  context: Context,
  { command, flags }: Request,
  before: Deployment | undefined,
): readonly string[] {
  if (!["up", "preview"].includes(command)) return [];
  if (flags.some((flag) => /^(--refresh|-r)(=|$)/.test(flag))) return [];
  const names = unsettledOf(before);
  if (names.length === 0) return [];
  context.log(
    `The last deployment did not finish ${names.join(", ")}: what is there is read first (--refresh).`,
  );
  return ["--refresh"];
}

/** What tells the program, for this run alone, that it takes a kept release. @throws when the stack does not keep it */
async function pinRelease(opened: OpenedPulumi, { stack, release: id }: Request): Promise<NodeJS.ProcessEnv> {
  if (id === undefined) return {};
  const release = await findRelease(opened, stack, id);
  const { sha256 } = release;
  const commit = shortCommit(release);
  const of = commit === "" ? "" : ` of commit ${commit}`;
  opened.context.log(
    `Release ${sha256.slice(0, 12)}${of}, for this run alone: to keep to it, set switchyard:release to ${sha256} in ${stackFile(stack)}.`,
  );
  return { SWITCHYARD_RELEASE: sha256 };
}

/** The exit code of a `cancel` that has nothing to do, or must not be done; undefined: it may go on. */
async function refuseCancel(context: Context, stack: string): Promise<number | undefined> {
  const locks = await readLocks(context, stack);
  const live = locks?.find(({ kind }) => kind === "live");
  if (live) {
    context.log(`${lockedBy(stack, live)} Only the lock of a deployment that was killed is removed.`);
    return 1;
  }
  if (locks?.length !== 0) return undefined;
  context.log(`Nothing is to be cancelled: stack ${stack} has no lock.`);
  return 0;
}

/** A stack's state, of `local` by its file where it is in one; undefined when there is no such stack. */
async function stateOf({ context, pulumi }: OpenedPulumi, stack: string): Promise<Deployment | undefined> {
  const { name } = readProjectFile(context.root);
  const read = stack === localStack ? await readState(context, name, stack) : undefined;
  return read ?? (await exportStack(pulumi))?.deployment;
}

/** What a stack outputs, and of `local` all that it has. */
async function readDeployed(
  { context, pulumi }: OpenedPulumi,
  stack: string,
): Promise<{ outputs: DeployedStack; state?: Deployment | undefined }> {
  if (stack !== localStack) return { outputs: await outputsOf(pulumi, stack) };
  const state = await readState(context, readProjectFile(context.root).name, stack);
  const printed = state && outputsIn(state);
  if (printed) return { outputs: readOutputs(stack, printed), state };
  const [outputs, exported] = await Promise.all([outputsOf(pulumi, stack), exportStack(pulumi)]);
  return { outputs, state: exported?.deployment };
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

async function afterDestroy(opened: OpenedPulumi, stack: string): Promise<void> {
  const { context } = opened;
  const deployment = await stateOf(opened, stack);
  if (stack === localStack) await reapUnknown(context, deployment);
  context.log(`\n${destroyReport(stack, deployment)}`);
}

/** After a failure: what to do about a stack that is not there, or a lock when there is one or nobody can look. */
async function advise(opened: OpenedPulumi, { command, stack }: Request): Promise<void> {
  const { context, pulumi } = opened;
  // What else keeps the CLI from answering, it has said already.
  const isMissing = await pulumi(["stack", "output", "--json"]).then(() => false, isNoStack);
  if (isMissing) return context.log(`\n${noStack(context, stack)}`);
  if (!("changes" in commands[command])) return;
  if (command === "destroy") {
    const full = fullReport(stack, (await stateOf(opened, stack)) ?? {});
    if (full !== undefined) context.log(`\n${full}`);
  }
  const locks =
    stack === localStack ? await removeStaleLocks(context, stack) : await readLocks(context, stack);
  const live = locks?.find(({ kind }) => kind === "live");
  if (live) context.log(lockedBy(stack, live));
  else if (locks?.length !== 0)
    context.log(`If the stack is locked and nothing else is changing it: ${npmRun("cancel", stack)}`);
}

if (import.meta.main) {
  const argv = process.argv.slice(2);
  await runMain(usageOf(argv[0]), (context) => runStack(context, argv));
}
