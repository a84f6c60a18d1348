import { parseUrn } from "../../operations/urn.ts";
import type { Change } from "../changes.ts";
import { readable } from "../names.ts";
import type { PlannedResource } from "../plan.ts";
import { type Difference, differencesOf } from "./differences.ts";

/** A difference in the words of the engine's detailed diffs: `update-replace` is one that needs a new resource. */
export interface PropertyDiff extends Omit<Difference, "kind"> {
  readonly kind: Difference["kind"] | `${Difference["kind"]}-replace`;
}

/** What merging does to one resource. */
export interface ResourceChange {
  readonly urn: string;
  readonly type: string;
  /** In the engine's words. `same` is listed only when options are other. */
  readonly op: Change["op"];
  /** Of a replacement: the old one goes before the new one comes. */
  readonly deletesFirst?: true;
  /** Of a deletion: it leaves the program, and stays where it is. */
  readonly retained?: true;
  /** A property changes of a type of which it is not known what replaces it: it may be replaced in place of updated. */
  readonly mayReplace?: true;
  /** What it was called, when it is renamed or has another parent. */
  readonly from?: string;
  readonly diff: readonly PropertyDiff[];
  /** Options of the resource, such as `protect`; no operation of their own. */
  readonly options: readonly Difference[];
  /** Why it changes, or is replaced, where that is not in the difference itself. */
  readonly why: readonly string[];
  /** What it is one of many consequences of: the same words at each. */
  readonly cause?: string;
}

/** How grave: what is lost or opened, what to look at before merging, what is good to know. */
export type Severity = "danger" | "caution" | "notice";

/** In the order in which they are told. */
export const topics = [
  "data",
  "exposure",
  "rights",
  "policy",
  "service",
  "failure",
  "address",
  "machines",
  "configuration",
] as const;

/** One sentence that somebody decides by. */
export interface Finding {
  readonly severity: Severity;
  readonly topic: (typeof topics)[number];
  readonly text: string;
  readonly urns: readonly string[];
}

/** What becomes of a stack that is deployed as one plan says when the other is. docs/comparison.schema.json describes it. */
export interface Comparison {
  readonly stack: string;
  /** What is compared with what, in words. */
  readonly base: string;
  readonly head: string;
  /** The stack has no file in the base. */
  readonly isNew?: boolean;
  readonly summary: readonly Finding[];
  /** Resources by operation, `same` among them. */
  readonly changeSummary: Readonly<Record<string, number>>;
  readonly changes: readonly ResourceChange[];
}

const optionNames = [
  "protect",
  "retainOnDelete",
  "deleteBeforeReplace",
  "ignoreChanges",
  "replaceOnChanges",
  "replaceWith",
  "deletedWith",
  "customTimeouts",
  "additionalSecretOutputs",
] as const satisfies readonly (keyof PlannedResource)[];

/** A change with what is other in it, property by property; undefined when nothing is. */
export function described(change: Change, knows: (type: string) => boolean): ResourceChange | undefined {
  const { urn, op, before, after, changed, forcing, follows, replacedWith } = change;
  const type = (after ?? before)?.type ?? parseUrn(urn).type;
  const options = before && after ? optionDifferences(before, after) : [];
  const from = before && before.urn !== urn ? before.urn : undefined;
  if (op === "same" && options.length === 0 && from === undefined) return undefined;
  const diff = changed.flatMap((name) => propertyDiffs(name, change));
  const why = changed.flatMap((name) => {
    const causes = (follows[name] ?? []).map((other) => readable(other));
    if (causes.length === 0) return [];
    return [`${name} ${forcing.includes(name) ? "needs a new one, and " : ""}follows ${causes.join(", ")}`];
  });
  const own = forcing.filter((name) => !(name in follows));
  if (own.length > 0) why.unshift(`${own.join(", ")} cannot be changed: a new one is made`);
  for (const other of replacedWith) why.push(`it is replaced with ${readable(other)}`);
  return {
    urn,
    type,
    op,
    ...(change.deletesFirst && { deletesFirst: true }),
    ...(op === "delete" && before?.retainOnDelete && { retained: true }),
    ...(op === "update" && after?.custom && !knows(type) && { mayReplace: true }),
    ...(from !== undefined && { from }),
    diff,
    options,
    why,
  };
}

function propertyDiffs(name: string, { before, after, forcing }: Change): PropertyDiff[] {
  const found = differencesOf(before?.inputs?.[name], after?.inputs?.[name], name);
  const forces = forcing.includes(name);
  return found.map(
    ({ kind, ...rest }): PropertyDiff => ({ ...rest, kind: forces ? `${kind}-replace` : kind }),
  );
}

function optionDifferences(before: PlannedResource, after: PlannedResource): Difference[] {
  const parent = before.parent === after.parent ? [] : (["parent"] as const);
  return [...parent, ...optionNames].flatMap((name) => differencesOf(before[name], after[name], name));
}
