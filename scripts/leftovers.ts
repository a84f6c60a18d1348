import type { Leftover } from "../operations/leftovers.ts";
import { clouds } from "../providers/index.ts";
import type { Deployment } from "./backend.ts";
import { readLocks } from "./locks.ts";
import type { Context } from "./process.ts";

/**
 * Removes from a cloud what a killed deployment had made there and not recorded, where that would keep the next one from
 * going on. Where nobody can see from here whether the stack is locked, the one that makes it may still be at work: there
 * it is only named.
 */
export async function removeLeftovers(
  context: Context,
  stack: string,
  { resources = [], pending_operations: pending = [] }: Deployment = {},
): Promise<void> {
  const made = pending.flatMap(({ type, resource }) => (type === "creating" ? [resource] : []));
  const found: Leftover[] = [];
  for (const [name, { leftovers }] of Object.entries(clouds)) {
    const own = made.filter(({ type }) => type.startsWith(`${name}:`));
    if (own.length === 0 || !leftovers) continue;
    found.push(...(await (await leftovers()).leftoversOf(own, resources, context.signal)));
  }
  if (found.length === 0) return;
  const locks = await readLocks(context, stack);
  if (locks?.length === 0) {
    for (const { what } of found) context.log(`A deployment that was killed had made ${what}: removing it.`);
    await Promise.all(found.map(({ remove }) => remove()));
  } else {
    const commands = found.map(({ what, command }) => `  ${command}  # ${what}`).join("\n");
    context.log(
      `A deployment that was killed had made what no run has recorded. If nothing else is changing the stack, remove it first:\n${commands}`,
    );
  }
}
