import type { Leftover } from "../operations/leftovers.ts";
import { clouds } from "../providers/index.ts";
import type { Deployment, Pulumi } from "./backend.ts";
import { readLocks } from "./locks.ts";
import type { Context } from "./process.ts";

/**
 * Removes from a cloud what a killed deployment had made there and not recorded, where that would keep the next one from
 * going on. Where nobody can see from here whether the stack is locked, the one that makes it may still be at work: there
 * it is only named.
 *
 * @returns whether nothing is left of what was being made
 */
export async function removeLeftovers(
  context: Context,
  stack: string,
  deployment: Deployment = {},
): Promise<boolean> {
  const made = creationsOf(deployment);
  if (made.length === 0) return false;
  const found: Leftover[] = [];
  // The plugin's own find what they made, when they are asked to make it again.
  let looked = made.filter(({ type }) => type.startsWith("switchyard:")).length;
  for (const [name, { leftovers }] of Object.entries(clouds)) {
    const own = made.filter(({ type }) => type.startsWith(`${name}:`));
    if (own.length === 0 || !leftovers) continue;
    const { finds, leftoversOf } = await leftovers();
    try {
      found.push(...(await leftoversOf(own, deployment.resources ?? [], context.signal)));
      looked += own.filter(({ type }) => finds(type)).length;
    } catch (error) {
      context.signal.throwIfAborted();
      context.log(
        `Whether a deployment that was killed left something could not be seen: ${(error as Error).message}`,
      );
    }
  }
  const isUnlocked = found.length === 0 || (await readLocks(context, stack))?.length === 0;
  if (isUnlocked) {
    for (const { what } of found) context.log(`A deployment that was killed had made ${what}: removing it.`);
    await Promise.all(found.map(({ remove }) => remove()));
  } else {
    const commands = found.map(({ what, command }) => `  ${command}  # ${what}`).join("\n");
    context.log(
      `A deployment that was killed had made what no run has recorded. If nothing else is changing the stack, remove it first:\n${commands}`,
    );
  }
  return isUnlocked && looked === made.length;
}

/** Drops from a stack's state what was being made, which the engine would warn of for ever. */
export async function forgetCreations(pulumi: Pulumi, { resources = [] }: Deployment = {}): Promise<void> {
  const root = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  if (!root) return;
  // Of the stack itself alone, which takes no time.
  const flags = ["--yes", "--skip-preview", "--clear-pending-creates", "--target", root.urn];
  await pulumi(["refresh", ...flags]);
}

const creationsOf = ({ pending_operations: pending = [] }: Deployment) =>
  pending.flatMap(({ type, resource }) => (type === "creating" ? [resource] : []));
