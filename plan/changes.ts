import { isDeepStrictEqual } from "node:util";
import type { PlannedResource } from "./plan.ts";
import { unknownText } from "./values.ts";

/** By type, the properties whose change needs a new resource; of a type that is not in it, none is known. */
export type ReplacementTable = Readonly<Record<string, readonly string[]>>;

/** What a deployment does with one resource, when one plan has been deployed and another is to be. */
export interface Change {
  readonly urn: string;
  /** In the engine's words. Options alone, such as protection, make no operation: they are recorded. */
  readonly op: "create" | "delete" | "replace" | "same" | "update";
  /** Of a replacement: whether the old one goes before the new one comes. */
  readonly deletesFirst: boolean;
  /** Properties that are not as they were, or refer to something that is not. */
  readonly changed: readonly string[];
  /** Those of `changed` that need a new resource. */
  readonly forcing: readonly string[];
  /** By property of `changed`: the resources whose change it follows, by URN. */
  readonly follows: Readonly<Record<string, readonly string[]>>;
  /** Resources that it is replaced with, because it was said to be (`replaceWith`), by URN. */
  readonly replacedWith: readonly string[];
  readonly before?: PlannedResource;
  readonly after?: PlannedResource;
}

const unchanged = { deletesFirst: false, changed: [], forcing: [], follows: {}, replacedWith: [] };

/**
 * What the engine would do to get from one plan to another, as far as plans can tell: each resource of the new one in its
 * order, then those that go. Outputs of a resource that is replaced count as changed, as in any preview, and so do
 * unknown values that come from one that changes. A resource with an alias is the one that had that name.
 */
export function changesBetween(
  before: readonly PlannedResource[],
  after: readonly PlannedResource[],
  table: ReplacementTable,
): Change[] {
  const old = new Map(before.map((resource) => [resource.urn, resource]));
  const news = new Map(after.map((resource) => [resource.urn, resource]));
  const formerly = ({ urn, aliases = [] }: PlannedResource) =>
    [urn, ...aliases.filter((alias) => !news.has(alias))].find((name) => old.has(name));
  const changes = new Map<string, Change>();
  const changeOf = (resource: PlannedResource): Change => {
    const known = changes.get(resource.urn);
    if (known) return known;
    const others = (resource.dependencies ?? []).flatMap((urn) => news.get(urn) ?? []);
    const former = old.get(formerly(resource) ?? "");
    const change = compare(former, resource, others.map(changeOf), table);
    changes.set(resource.urn, change);
    return change;
  };
  const kept = new Set(after.map(formerly));
  const gone = before.filter(({ urn }) => !kept.has(urn));
  return [
    ...after.map(changeOf),
    ...gone.map((before): Change => ({ ...unchanged, urn: before.urn, op: "delete", before })),
  ];
}

function compare(
  before: PlannedResource | undefined,
  after: PlannedResource,
  dependencies: readonly Change[],
  table: ReplacementTable,
): Change {
  const { urn } = after;
  if (!before) return { ...unchanged, urn, op: "create", after };
  const follows = followedBy(after, dependencies);
  const changed = changedProperties(before, after, follows);
  const replaced = dependencies.filter(({ op }) => op === "replace");
  const forced = new Set([...(table[after.type] ?? []), ...(after.replaceOnChanges ?? [])]);
  const forcing = changed.filter((name) => forced.has(name));
  const replacedWith = replaced
    .map((change) => change.urn)
    .filter((other) => (after.replaceWith ?? []).includes(other));
  const facts = { urn, changed, forcing, follows, replacedWith, before, after };
  if (forcing.length > 0 || replacedWith.length > 0) {
    // The engine deletes with a resource that goes first whatever must be replaced because of it.
    const causes = replaced.filter(
      (change) => change.deletesFirst && forcing.some((name) => follows[name]?.includes(change.urn)),
    );
    const deletesFirst = after.deleteBeforeReplace === true || causes.length > 0;
    return { ...facts, op: "replace", deletesFirst };
  }
  return { ...facts, op: changed.length > 0 ? "update" : "same", deletesFirst: false };
}

/** By property, what of its dependencies moves it. */
function followedBy(after: PlannedResource, dependencies: readonly Change[]): Record<string, string[]> {
  const moving = dependencies.filter(({ op }) => op !== "same");
  const entries = Object.keys(after.inputs ?? {}).flatMap((name): [string, string[]][] => {
    if (after.ignoreChanges?.includes(name)) return [];
    const urns = moving.filter((change) => refersTo(after, name, change)).map(({ urn }) => urn);
    return urns.length > 0 ? [[name, urns]] : [];
  });
  return Object.fromEntries(entries);
}

function changedProperties(
  { inputs: olds = {} }: PlannedResource,
  { inputs: news = {}, ignoreChanges = [] }: PlannedResource,
  follows: Change["follows"],
): string[] {
  return [...new Set([...Object.keys(olds), ...Object.keys(news)])].sort().filter((name) => {
    if (ignoreChanges.includes(name)) return false;
    return name in follows || !isDeepStrictEqual(olds[name], news[name]);
  });
}

/** Whether a property has a value of a resource that is replaced, or one that only a deployment tells of one that changes. */
function refersTo(resource: PlannedResource, name: string, change: Change): boolean {
  const depends = resource.propertyDependencies?.[name]?.includes(change.urn) ?? false;
  return (
    depends && (change.op === "replace" || JSON.stringify(resource.inputs?.[name]).includes(unknownText))
  );
}
