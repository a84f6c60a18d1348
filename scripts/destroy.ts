import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { readProjectFile, readStackFile } from "../config/stack-file.ts";
import { stackFile } from "../operations/stacks.ts";
import { exportStack, isEmptiedFirst, noStack, type StackResource } from "./backend.ts";
import { attach, type Context } from "./process.ts";
import type { OpenedPulumi } from "./pulumi.ts";
import { table } from "./report.ts";

export interface WithDataRequest {
  readonly stack: string;
  readonly flags: readonly string[];
  readonly confirm?: string;
}

/**
 * Removes a stack with what is protected in it, and all the data in that, by the engine's own means: first all else; then
 * an `up` of what is protected alone, with a configuration that lets it go; then that. What is not protected but may not
 * be deleted with data in it, or would be left behind, is let go by such an `up` at the beginning. Each step is recorded,
 * so that one which was cut off goes on when the command is given again, and until the last one begins, a plain `up`
 * protects the data again.
 *
 * @returns the CLI's exit code
 * @throws when the stack's name is not given again
 */
export async function destroyWithData(opened: OpenedPulumi, request: WithDataRequest): Promise<number> {
  const { cli, context, pulumi } = opened;
  const { stack, flags } = request;
  const run = (...args: string[]) =>
    attach(cli.command, [...args, "--stack", stack, "--yes", "--skip-preview", ...flags], {
      cwd: context.root,
      env: context.env,
    });
  const exported = await exportStack(pulumi);
  if (!exported) throw new Error(noStack(context, stack));
  const resources = exported.deployment.resources ?? [];
  const kept = resources.filter(({ protect }) => protect);
  const full = resources.filter(isEmptiedFirst);
  await confirm(context, request, [...kept, ...full]);
  const letGo = (data: readonly StackResource[]) =>
    withFile(unprotectedConfig(context, stack), (file) =>
      run("up", "--config-file", file, ...data.flatMap(({ urn }) => ["--target", urn])),
    );
  const steps = [
    ...(full.length > 0 ? [() => letGo(full)] : []),
    ...(kept.length > 0 ? [() => run("destroy", "--exclude-protected"), () => letGo(kept)] : []),
    () => run("destroy"),
  ];
  for (const step of steps) {
    const code = await step();
    if (code !== 0) return code;
  }
  return 0;
}

async function confirm(
  context: Context,
  { stack, confirm }: WithDataRequest,
  held: readonly StackResource[],
): Promise<void> {
  let name = confirm;
  if (name === undefined && process.stdin.isTTY) {
    const data = held.length > 0 ? `, and with all they hold:\n${table(held)}` : ".";
    context.log(`Everything of stack ${stack} is deleted for good${data}`);
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    name = await terminal
      .question("The stack's name, to go on: ", { signal: context.signal })
      .finally(() => terminal.close());
  }
  if (name?.trim() === stack) return;
  const wrong = name === undefined ? "nobody can be asked here" : `"${name}" is another name`;
  throw new Error(
    `Nothing was deleted: ${wrong}. Give the stack's name: npm run destroy -- --stack ${stack} --with-data --confirm ${stack}`,
  );
}

/** The stack's own file, as JSON, which is YAML, with a bucket that may go. */
export function unprotectedConfig({ root }: Pick<Context, "root">, stack: string): string {
  const { config, rest } = readStackFile(join(root, stackFile(stack)), readProjectFile(root).name);
  const key = "switchyard:bucket";
  const bucket = { ...(config[key] as object | undefined), protect: false, empty: true };
  return JSON.stringify({ ...rest, config: { ...config, [key]: bucket } });
}

async function withFile<T>(content: string, use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-"));
  try {
    const file = join(folder, "Pulumi.yaml");
    await writeFile(file, content, { mode: 0o600 });
    return await use(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}
