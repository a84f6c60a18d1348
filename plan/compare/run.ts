import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { errorsOf, hasFailed, type Plan } from "../plan.ts";
import { planProgram } from "../run.ts";
import { readStack, type Stack } from "../stack.ts";
import { type Clouds, type Compared, comparePlans } from "./compare.ts";
import type { Comparison } from "./comparison.ts";
import type { Revision } from "./revision.ts";

/** What a stack is compared with: another configuration of the same program, or all of it at a revision. */
export type Base = { readonly file: string } | { readonly revision: Revision; readonly ref: string };

/** A comparison; or why there is none. */
export type Outcome = Compared | { readonly stack: string; readonly problem: string };

const nothing: Plan = { config: {}, steps: [], diagnostics: [], changeSummary: {} };

/** The stacks that have a file now, or had one. */
export function stacksOf(root: string, { root: base }: Revision): string[] {
  const names = [root, base].flatMap((folder) =>
    readdirSync(folder).flatMap((entry) => /^Pulumi\.(.+)\.yaml$/.exec(entry)?.[1] ?? []),
  );
  return [...new Set(names)].sort();
}

/** Compares several stacks, a plan for each processor at a time; in their order. */
export async function compareStacks(
  names: readonly string[],
  base: Base,
  clouds: Clouds,
  configFile?: string,
): Promise<Outcome[]> {
  const limit = gate(Math.max(2, availableParallelism()));
  return Promise.all(
    names.map(async (stack): Promise<Outcome> => {
      try {
        return await compareStack(stack, base, clouds, limit, configFile);
      } catch (error) {
        return { stack, problem: (error as Error).message };
      }
    }),
  );
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>;

async function compareStack(
  name: string,
  base: Base,
  clouds: Clouds,
  limit: Gate,
  configFile: string | undefined,
): Promise<Compared> {
  const root = resolve(import.meta.dirname, "../..");
  const file = configFile ?? `Pulumi.${name}.yaml`;
  const [read, baseName] = baseOf(name, base, root, configFile);
  const [before, after] = [
    "file" in base ? read() : found(read),
    found(() => readStack(name, configFile === undefined ? {} : { configFile })),
  ];
  if (!before && !after) throw noStack(read);
  const plans = [
    before && limit(() => planned(before, baseName)),
    after && limit(() => planned(after, file)),
  ];
  const [old, now] = await Promise.all(plans);
  const otherSecrets = before && after ? changedSecrets(before, after) : [];
  const sides = { stack: name, base: baseName, head: file, otherSecrets };
  if (!now) return gone(sides);
  const compared = await comparePlans(old ?? nothing, now, sides, clouds);
  return old ? compared : { ...compared, comparison: { ...compared.comparison, isNew: true } };
}

/** How to read the base, and what it is called. */
function baseOf(
  name: string,
  base: Base,
  root: string,
  configFile: string | undefined,
): [() => Stack, string] {
  if ("file" in base) return [() => readStack(name, { configFile: base.file }), base.file];
  const place = configFile === undefined ? `Pulumi.${name}.yaml` : relative(root, resolve(configFile));
  const { revision, ref } = base;
  const read = () => readStack(name, { root: revision.root, configFile: join(revision.root, place) });
  return [read, `${place} at ${ref} (${revision.commit.slice(0, 8)})`];
}

/** A stack; undefined when it has no file. */
function found(read: () => Stack): Stack | undefined {
  try {
    return read();
  } catch (error) {
    if (/^There is no /.test((error as Error).message)) return undefined;
    throw error;
  }
}

function noStack(read: () => Stack): Error {
  try {
    read();
  } catch (error) {
    return error as Error;
  }
  return new Error("there is nothing to compare");
}

/** A stack whose file goes: nothing deploys that, so nothing is deleted. */
function gone({ stack, base, head }: Pick<Comparison, "stack" | "base" | "head">): Compared {
  const text = `the stack's file goes, and nothing of what is deployed does: destroy it first (npm run destroy -- --stack ${stack}), or leave the file`;
  const summary = [{ severity: "danger", topic: "configuration", text, urns: [] }] as const;
  return { comparison: { stack, base, head, summary, changeSummary: {}, changes: [] }, groups: [] };
}

/** A plan to compare. @throws when the program fails */
async function planned(stack: Stack, what: string): Promise<Plan> {
  const plan = await planProgram(stack);
  if (!hasFailed(plan)) return plan;
  throw new Error(`${what} cannot be compared, because its plan fails:\n${errorsOf(plan)}`);
}

/** Keys that both have, and whose encrypted text is another. */
function changedSecrets(base: Stack, head: Stack): string[] {
  return Object.keys(head.encrypted).filter(
    (key) => Object.hasOwn(base.encrypted, key) && base.encrypted[key] !== head.encrypted[key],
  );
}

/** Lets so many go on at a time. */
function gate(places: number): Gate {
  let free = places;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
