import { join } from "node:path";
import { parseUrn } from "../../operations/urn.ts";
import { simpleType } from "../../plan/labels.ts";
import { hasFailed, type Plan, type PlannedResource } from "../../plan/plan.ts";
import { planProgram } from "../../plan/run.ts";
import { readStack, type StackOptions } from "../../plan/stack.ts";

/** A plan to ask. Resources are named by their URN, name, `Type::name` or `package:module:Type::name`. */
export interface StackPlan {
  /** The document, as `npm run plan -- --json` prints it. */
  readonly document: Plan;
  readonly resources: readonly PlannedResource[];
  /** The stack's outputs. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What the program logged or printed: `warning: …`. */
  readonly diagnostics: readonly string[];
  /** By full type (`switchyard:local:Bucket`), or by the last word of it. */
  byType(type: string): PlannedResource[];
  /** The one resource that is so named; throws when there is none, or more than one. */
  get(name: string): PlannedResource;
  /** Those whose parent it is. */
  children(name: string): PlannedResource[];
  /** What it depends on itself, through its inputs or `dependsOn`. */
  dependencies(name: string): PlannedResource[];
  /** Whether one resource waits for another, however far apart they are. */
  dependsOn(name: string, other: string): boolean;
}

/**
 * Plans a stack of this project, for the tests of each cloud.
 * @param config values that stand above those of the stack's file, key by key; `undefined` removes a key.
 *   Keys are `switchyard:` ones, unless they say otherwise: `{ machines: 3, "aws:region": "eu-west-1" }`
 * @throws with what the program logged as errors, if it failed
 */
export function planStack(stack: string, config: Readonly<Record<string, unknown>> = {}): Promise<StackPlan> {
  return planOf(stack, { config });
}

/** The same for `examples/<example>.yaml`. */
export function planExample(
  example: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<StackPlan> {
  const configFile = join(import.meta.dirname, "../../examples", `${example}.yaml`);
  return planOf(example, { configFile, config });
}

/** The same for any project; see `readStack`. */
export async function planOf(stack: string, options: StackOptions): Promise<StackPlan> {
  const plan = await planProgram(readStack(stack, options));
  if (hasFailed(plan)) throw new Error(plan.diagnostics.map(({ message }) => message).join(""));
  return queryable(plan);
}

function queryable(document: Plan): StackPlan {
  const resources = document.steps.map(({ newState }) => newState);
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const known = (urns: readonly string[] = []) => urns.flatMap((urn) => byUrn.get(urn) ?? []);
  const get = (name: string): PlannedResource => {
    const found = resources.filter((resource) => namesOf(resource).includes(name));
    const [one] = found;
    if (one && found.length === 1) return one;
    const candidates = (found.length > 0 ? found : resources).map(({ urn }) => `\n  ${urn}`).join("");
    throw new Error(`${found.length} resources of the plan are named "${name}". There are:${candidates}`);
  };
  const reaches = (from: PlannedResource, to: PlannedResource, seen = new Set<string>()): boolean =>
    known(from.dependencies).some((next) => {
      if (next === to) return true;
      if (seen.has(next.urn)) return false;
      seen.add(next.urn);
      return reaches(next, to, seen);
    });
  return {
    document,
    resources,
    outputs: resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {},
    diagnostics: document.diagnostics.map(({ message }) => message.trimEnd()),
    byType: (wanted) => resources.filter(({ type }) => type === wanted || simpleType(type) === wanted),
    get,
    children: (name) => {
      const { urn } = get(name);
      return resources.filter(({ parent }) => parent === urn);
    },
    dependencies: (name) => known(get(name).dependencies),
    dependsOn: (name, other) => reaches(get(name), get(other)),
  };
}

function namesOf({ urn, type }: PlannedResource): string[] {
  const { name } = parseUrn(urn);
  return [urn, name, `${type}::${name}`, `${simpleType(type)}::${name}`];
}
