import { join } from "node:path";
import type { PermissionTable } from "../../bootstrap/permissions.ts";
import { planOf, type StackPlan } from "../support/plan.ts";
import { projectRoot } from "../support/project.ts";

/** Plans the program that makes the deployer of a stack. @param config values above those of its file: `bootstrap:…` keys */
export function planBootstrap(
  stack: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<StackPlan> {
  return planOf(stack, { root: join(projectRoot, "bootstrap"), config });
}

/** The types of a plan whose resources are made by calls, or could be. */
export function typesOf({ resources }: StackPlan): string[] {
  const made = resources.filter(({ custom, type }) => custom && !type.startsWith("pulumi:"));
  return [...new Set(made.map(({ type }) => type))].sort();
}

/** What of a table has no source. */
export function withoutSource(table: PermissionTable): string[] {
  return Object.entries(table)
    .filter(([, { source }]) => !/https:\/\/|of this repository$|\.$/.test(source))
    .map(([type]) => type);
}
