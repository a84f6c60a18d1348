import { parseUrn } from "../../operations/urn.ts";
import type { Change } from "../changes.ts";
import { readable } from "../names.ts";
import { decoded, plural, shortList } from "../texts.ts";
import { changedLines, type Difference, differencesOf, documentOf } from "./differences.ts";
import { type PlanFacts, releaseChange, renamedClusters } from "./facts.ts";

/** Changes that have one cause, and are told as one. */
export interface Group {
  /** The cause in words; absent when the first change says it itself. */
  readonly title?: string;
  /** Changes that are told with what is other in them: those with the same differences as one. */
  readonly roots: readonly Change[];
  /** What is other in each of them, besides hashes of what machines start with. */
  readonly differences: readonly Difference[];
  /** Changes of which the cause says enough. */
  readonly consequences: readonly Change[];
}

interface Sorted {
  readonly key: string;
  readonly title?: string;
  /** What is other in it, when that is tags alone. */
  readonly tags?: readonly string[];
  readonly isRoot: boolean;
}

/** Folds changes by their causes: a new build, a cluster that comes or goes, tags, what is made anew and what depends on it. */
export function groupsOf(changes: readonly Change[], before: PlanFacts, after: PlanFacts): Group[] {
  const moving = changes.filter(({ op }) => op !== "same");
  const byUrn = new Map(moving.map((change) => [change.urn, change]));
  const masks = { before: hashMask(before), after: hashMask(after) };
  const partners = renamedMachines(moving);
  const known = new Map<string, Sorted>();
  const sort = (change: Change): Sorted => {
    const done = known.get(change.urn);
    if (done) return done;
    const found =
      change.op === "create" || change.op === "delete"
        ? sortComing(change, before, after, partners.get(change.urn), masks)
        : sortChanged(change, before, after, masks, (urn) => {
            const other = byUrn.get(urn);
            return other && { change: other, sorted: sort(other) };
          });
    known.set(change.urn, found);
    return found;
  };
  const groups = Map.groupBy(moving, (change) => sort(change).key);
  return [...groups.values()].map((members) => {
    const sorted = members.map((change) => ({ change, ...sort(change) }));
    const roots = sorted.filter(({ isRoot }) => isRoot).map(({ change }) => change);
    const consequences = sorted.filter(({ isRoot }) => !isRoot).map(({ change }) => change);
    const tags = [...new Set(sorted.flatMap((one) => one.tags ?? []))].sort(byCommonness(sorted));
    const title =
      tags.length > 0
        ? `tags: ${shortList(tags, 4)}`
        : (sorted.find((one) => one.title !== undefined)?.title ?? titleOf(roots, consequences));
    const differences = roots[0] ? essence(roots[0], masks) : [];
    return { ...(title !== undefined && { title }), roots, differences, consequences };
  });
}

/** The tags of most resources first. */
function byCommonness(all: readonly Sorted[]): (a: string, b: string) => number {
  const count = (tag: string) => all.filter(({ tags }) => tags?.includes(tag)).length;
  return (a, b) => count(b) - count(a) || (a < b ? -1 : 1);
}

/** Something made anew takes others with it. */
function titleOf([root, ...more]: readonly Change[], consequences: readonly Change[]): string | undefined {
  const takes = consequences.some(({ op }) => op === "replace");
  if (root?.op !== "replace" || more.length > 0 || !takes) return undefined;
  return `${readable(root.urn)} is made anew, and so is what cannot leave it`;
}

type Mask = (value: unknown) => unknown;

/** Makes a value of one plan comparable with one of another build: hashes of what machines start with are all alike. */
function hashMask({ hashes }: PlanFacts): Mask {
  const pattern = new RegExp(
    [...[...hashes].map((hash) => RegExp.escape(hash)), "(?<=-)[0-9a-f]{8}(?=-\\d)"].join("|"),
    "g",
  );
  const mask: Mask = (value) => {
    if (typeof value === "string") return String(decoded(value)).replace(pattern, "…");
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(mask);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mask(part)]));
  };
  return mask;
}

interface Masks {
  readonly before: Mask;
  readonly after: Mask;
}

/** What is other in a change besides hashes of what machines start with. */
function essence({ before, after, changed }: Change, masks: Masks): Difference[] {
  return changed.flatMap((name) =>
    differencesOf(masks.before(before?.inputs?.[name]), masks.after(after?.inputs?.[name]), name),
  );
}

const sameName = (urn: string) => urn.replace(/(?<=-)[0-9a-f]{8}(?=-\d+$)/, "…");

/** Where machines are named for what they are made of: who comes in whose place. */
function renamedMachines(changes: readonly Change[]): Map<string, Change> {
  const going = new Map(
    changes.filter(({ op }) => op === "delete").map((change) => [sameName(change.urn), change]),
  );
  const pairs = changes
    .filter(({ op, urn }) => op === "create" && sameName(urn) !== urn)
    .flatMap((coming): [string, Change][] => {
      const gone = going.get(sameName(coming.urn));
      return gone
        ? [
            [coming.urn, gone],
            [gone.urn, coming],
          ]
        : [];
    });
  return new Map(pairs);
}

function sortComing(
  change: Change,
  before: PlanFacts,
  after: PlanFacts,
  partner: Change | undefined,
  masks: Masks,
): Sorted {
  if (partner) {
    const [gone, coming] = change.op === "delete" ? [change, partner] : [partner, change];
    const names = new Set(Object.keys({ ...gone.before?.inputs, ...coming.after?.inputs }));
    const other = [...names].flatMap((name) =>
      differencesOf(
        masks.before(gone.before?.inputs?.[name]),
        masks.after(coming.after?.inputs?.[name]),
        name,
      ),
    );
    const build = releaseChange(before, after);
    if (build && other.length === 0) return { key: "build", title: build, isRoot: false };
    return { key: "machines", title: machinesTitle(other), isRoot: false };
  }
  const cluster = clusterOf(change, before, after);
  if (cluster !== undefined) return { key: cluster, title: cluster, isRoot: false };
  const { parent, urn } = (change.after ?? change.before) as { parent?: string; urn: string };
  const home = parent && parseUrn(parent).type !== "pulumi:pulumi:Stack" ? parent : urn;
  const verb = change.op === "create" ? "made" : "gone";
  return { key: `${verb} ${home}`, title: `${verb} in ${readable(home)}`, isRoot: false };
}

function machinesTitle(other: readonly Difference[]): string {
  const what = [...new Set(other.filter(({ path }) => path !== "name").map(({ path }) => path))];
  return `machines come under other names in place of others${what.length > 0 ? ` (${what.join(", ")})` : ""}`;
}

/** What it is part of, when a cluster comes or goes, or seems to be renamed. */
function clusterOf(change: Change, before: PlanFacts, after: PlanFacts): string | undefined {
  const resource = change.after ?? change.before;
  const isComing = change.op === "create";
  const [here, there] = isComing ? [after, before] : [before, after];
  const name = Object.keys(here.clusters)
    .filter((one) => !Object.hasOwn(there.clusters, one))
    .find((one) => belongs(resource?.urn ?? "", resource?.parent, one));
  if (name === undefined) return undefined;
  const rename = renamedClusters(before, after).find((both) => both.includes(name));
  if (rename) return `cluster ${rename[0]} becomes ${rename[1]}: to the cloud it is another one`;
  const { size = 0, machineType = "" } = here.clusters[name] ?? {};
  const machines = `${plural(size, "machine")} (${machineType})`;
  return isComing ? `new cluster ${name}: ${machines}` : `cluster ${name} goes: ${machines}`;
}

/** Whether a resource is a cluster's: it is in its component, or has its name. */
function belongs(urn: string, parent: string | undefined, cluster: string): boolean {
  const isOne = (of: string | undefined) =>
    of !== undefined && parseUrn(of).type === "switchyard:index:Cluster" && parseUrn(of).name === cluster;
  const { name } = parseUrn(urn);
  return (
    isOne(urn) ||
    isOne(parent) ||
    name === cluster ||
    name === `/${cluster}` ||
    name.startsWith(`${cluster}-`)
  );
}

/** Documents by the lines that differ, so that they compare alike whatever else is in them. */
function inLines(difference: Difference): unknown {
  const [old, now] = [documentOf(difference.old), documentOf(difference.new)];
  return old === undefined || now === undefined
    ? difference
    : [difference.path, changedLines(old, now, 0).filter((line) => /^[+-]/.test(line))];
}

type Find = (urn: string) => { readonly change: Change; readonly sorted: Sorted } | undefined;

function sortChanged(change: Change, before: PlanFacts, after: PlanFacts, masks: Masks, find: Find): Sorted {
  const differences = essence(change, masks);
  const build = releaseChange(before, after);
  // What a resource has of another that changes says no more than that.
  const isFollower =
    change.changed.every((name) => name in change.follows) &&
    differences.every(({ old, new: now }) => documentOf(old) === undefined && documentOf(now) === undefined);
  if (differences.length === 0 || isFollower) {
    const isSame = change.changed.every(
      (name) =>
        JSON.stringify(change.before?.inputs?.[name]) === JSON.stringify(change.after?.inputs?.[name]),
    );
    if (build && differences.length === 0 && !isSame) return { key: "build", title: build, isRoot: false };
    const cause = [...Object.values(change.follows).flat(), ...change.replacedWith]
      .map(find)
      .find((one) => one);
    if (cause) return { ...cause.sorted, isRoot: false };
    return { key: "revision", title: "the deployment waits for other revisions", isRoot: false };
  }
  const tags = differences.map(tagOf);
  if (tags.every((tag) => tag !== undefined)) return { key: "tags", tags, isRoot: false };
  // One of several clusters has its own name in much of what it is.
  const { name } = parseUrn(change.urn);
  const told = JSON.stringify(differences.map(inLines)).replaceAll(
    new RegExp(`\\b${RegExp.escape(name)}\\b`, "g"),
    "…",
  );
  return { key: `${change.op} ${parseUrn(change.urn).type} ${told}`, isRoot: true };
}

/** A tag that is other, in words; undefined for a difference of anything else. */
function tagOf({ path, old, new: now }: Difference): string | undefined {
  if (!/(^|\.)(tags|labels|userLabels|metadata)\b/.test(path)) return undefined;
  if (documentOf(old) !== undefined || documentOf(now) !== undefined) return undefined;
  const pairOf = (value: unknown): readonly [string, string] | undefined => {
    if (value === undefined) return undefined;
    if (typeof value === "object" && value !== null && "key" in value && "value" in value)
      return [String(value.key), String(value.value)];
    if (typeof value !== "string") return undefined;
    const last = /([\w-]+)$|\["(.*)"\]$/.exec(path);
    const [name, text] = /\[\d+\]$/.test(path) ? value.split(/=(.*)/s) : [last?.[1] ?? last?.[2], value];
    return [String(name), String(text)];
  };
  const [was, is] = [pairOf(old), pairOf(now)];
  if (!was && !is) return undefined;
  if (!was) return `${is?.[0]} = ${is?.[1]}`;
  if (!is) return `no ${was[0]}`;
  return was[0] === is[0] ? `${is[0]} = ${is[1]} (was ${was[1]})` : `${is[0]} = ${is[1]}, no ${was[0]}`;
}
