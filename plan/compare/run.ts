import { hasFailed, type Plan } from "../plan.ts";
import { planProgram } from "../run.ts";
import { readStack, type Stack } from "../stack.ts";
import { type Clouds, type Compared, comparePlans } from "./compare.ts";

export interface CompareOptions {
  /** The configuration that is deployed, relative to the working directory. */
  readonly baseFile: string;
  /** The configuration that is to be. Default: the stack's own. */
  readonly configFile?: string;
}

/**
 * Compares a stack with itself under another configuration.
 * @throws when either cannot be planned, with what the program says
 */
export async function compareStack(
  name: string,
  { baseFile, configFile }: CompareOptions,
  clouds: Clouds,
): Promise<Compared> {
  const base = readStack(name, { configFile: baseFile });
  const head = readStack(name, configFile === undefined ? {} : { configFile });
  const headName = configFile ?? `Pulumi.${name}.yaml`;
  const [before, after] = await Promise.all([planned(base, baseFile), planned(head, headName)]);
  const sides = { stack: name, base: baseFile, head: headName, otherSecrets: otherSecrets(base, head) };
  return comparePlans(before, after, sides, clouds);
}

/** A plan to compare. @throws when the program fails */
async function planned(stack: Stack, what: string): Promise<Plan> {
  const plan = await planProgram(stack);
  if (!hasFailed(plan)) return plan;
  const said = plan.diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
  throw new Error(`${what} cannot be compared, because its plan fails:\n${said.join("").trimEnd()}`);
}

/** Keys that both have, and whose encrypted text is another. */
function otherSecrets(base: Stack, head: Stack): string[] {
  return Object.keys(head.encrypted).filter(
    (key) => Object.hasOwn(base.encrypted, key) && base.encrypted[key] !== head.encrypted[key],
  );
}
