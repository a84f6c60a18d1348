import { type DeployedStack, readOutputs } from "../operations/outputs.ts";
import { isNoStack, localEnvironment, localStack, noStack, type Pulumi, requireBackend } from "./backend.ts";
import { type Cli, findCli } from "./cli.ts";
import { type Context, capture } from "./process.ts";

/** A CLI, and the environment in which it works on a stack. */
export interface OpenedPulumi {
  readonly cli: Cli;
  readonly context: Context;
  readonly pulumi: Pulumi;
}

/** Finds a CLI for a stack, once it is clear where the stack's state is. */
export async function openPulumi(outer: Context, stack: string): Promise<OpenedPulumi> {
  if (stack !== localStack) await requireBackend(outer, stack);
  const cli = await findCli(outer);
  const env = stack === localStack ? await localEnvironment(outer.root, cli.env) : cli.env;
  const context = { ...outer, env };
  return { cli, context, pulumi: runner(context, cli, stack) };
}

function runner(context: Context, cli: Cli, stack: string): Pulumi {
  const { root: cwd, env, signal } = context;
  return async (args, input = "") => {
    const all = [...args, "--stack", stack, "--non-interactive"];
    const { code, stdout, stderr } = await capture(cli.command, all, { cwd, env, signal, input });
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} failed:\n${stderr.trim() || stdout.trim()}`);
    return stdout;
  };
}

/** A stack that is deployed: where, and its outputs, secrets masked unless they are asked for. Fails when it is not. */
export async function deployedStack(
  outer: Context,
  stack: string,
  secrets: OutputSecrets = "masked",
): Promise<DeployedStack> {
  const { context, pulumi } = await openPulumi(outer, stack);
  try {
    return await outputsOf(pulumi, stack, secrets);
  } catch (error) {
    throw isNoStack(error) ? new Error(noStack(context, stack)) : error;
  }
}

type OutputSecrets = "masked" | "shown";

/** What a stack outputs. */
export async function outputsOf(
  pulumi: Pulumi,
  stack: string,
  secrets: OutputSecrets = "masked",
): Promise<DeployedStack> {
  const shown = secrets === "shown" ? ["--show-secrets"] : [];
  return readOutputs(stack, JSON.parse(await pulumi(["stack", "output", "--json", ...shown])));
}
