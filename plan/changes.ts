import { isDeepStrictEqual } from "node:util";
import type { PlannedResource } from "./plan.ts";
import { unknownText } from "./values.ts";

/** By type, the properties whose change needs a new resource; of a type that is not in it, none is known. */
export type ReplacementTable = Readonly<Record<string, readonly string[]>>;

/** What a deployment does with one resource, when one plan has been deployed and another is to be. */
export interface Change {
  readonly urn: string;
  readonly op: "create" | "delete" | "replace" | "same" | "update";
  /** Of a replacement: whether the old one goes before the new one comes. */
  readonly deletesFirst: boolean;
  /** Properties that are not as they were, or refer to something that is not. */
  readonly changed: readonly string[];
  readonly before?: PlannedResource;
  readonly after?: PlannedResource;
}

/**
 * What the engine would do to get from one plan to another, as far as plans can tell: each resource of the new one in its
 * order, then those that go. Outputs of a resource that is replaced count as changed, as in any preview, and so do
 * unknown values that come from one that changes.
 */
export function changesBetween(
  before: readonly PlannedResource[],
  after: readonly PlannedResource[],
  table: ReplacementTable,
): Change[] {
  const old = new Map(before.map((resource) => [resource.urn, resource]));
  const news = new Map(after.map((resource) => [resource.urn, resource]));
  const changes = new Map<string, Change>();
  const changeOf = (resource: PlannedResource): Change => {
    const known = changes.get(resource.urn);
    if (known) return known;
    const others = (resource.dependencies ?? []).flatMap((urn) => news.get(urn) ?? []);
    const change = compare(old.get(resource.urn), resource, others.map(changeOf), table);
    changes.set(resource.urn, change);
    return change;
  };
  const gone = before.filter(({ urn }) => !news.has(urn));
  return [
    ...after.map(changeOf),
    ...gone.map(
      (before): Change => ({ urn: before.urn, op: "delete", deletesFirst: false, changed: [], before }),
    ),
  ];
}

function compare(
  before: PlannedResource | undefined,
  after: PlannedResource,
  dependencies: readonly Change[],
  table: ReplacementTable,
): Change {
  const { urn } = after;
  if (!before) return { urn, op: "create", deletesFirst: false, changed: [], after };
  const changed = changedProperties(before, after, dependencies);
  const replaced = dependencies.filter(({ op }) => op === "replace");
  const forcing = new Set([...(table[after.type] ?? []), ...(after.replaceOnChanges ?? [])]);
  const isForced = changed.some((name) => forcing.has(name));
  const follows = (after.replaceWith ?? []).some((other) => replaced.some((change) => change.urn === other));
  if (isForced || follows) {
    // The engine deletes with a resource that goes first whatever must be replaced because of it.
    const causes = replaced.filter(
      (change) =>
        change.deletesFirst && changed.some((name) => forcing.has(name) && refersTo(after, name, change)),
    );
    const deletesFirst = after.deleteBeforeReplace === true || causes.length > 0;
    return { urn, op: "replace", deletesFirst, changed, before, after };
  }
  const hasOtherOptions = !isDeepStrictEqual(optionsOf(before), optionsOf(after));
  const op = changed.length > 0 || hasOtherOptions ? "update" : "same";
  return { urn, op, deletesFirst: false, changed, before, after };
}

function changedProperties(
  { inputs: olds = {} }: PlannedResource,
  after: PlannedResource,
  dependencies: readonly Change[],
): string[] {
  const { inputs: news = {}, ignoreChanges = [] } = after;
  const moving = dependencies.filter(({ op }) => op !== "same");
  return [...new Set([...Object.keys(olds), ...Object.keys(news)])].sort().filter((name) => {
    if (ignoreChanges.includes(name)) return false;
    return (
      !isDeepStrictEqual(olds[name], news[name]) || moving.some((change) => refersTo(after, name, change))
    );
  });
}

/** Whether a property has a value of a resource that is replaced, or one that only a deployment tells of one that changes. */
function refersTo(resource: PlannedResource, name: string, change: Change): boolean {
  const depends = resource.propertyDependencies?.[name]?.includes(change.urn) ?? false;
  return (
    depends && (change.op === "replace" || JSON.stringify(resource.inputs?.[name]).includes(unknownText))
  );
}

function optionsOf({ protect, retainOnDelete, deleteBeforeReplace }: PlannedResource) {
  return { protect, retainOnDelete, deleteBeforeReplace };
}
