import type { kindsOf } from "../../plugin/kinds.ts";
import { changesBetween, type ReplacementTable } from "../changes.ts";
import type { FindOpenings } from "../openings.ts";
import type { Plan, PlannedResource } from "../plan.ts";
import type { GovernedClouds } from "../policy/run.ts";
import type { CloudEdits } from "./cloud-edits.ts";
import { type Comparison, described, type Finding } from "./comparison.ts";
import { configurationFindings } from "./configuration-findings.ts";
import { factsOf } from "./facts.ts";
import { findingsOf, inOrder } from "./findings.ts";
import { type Group, groupsOf } from "./groups.ts";
import { policyFindings } from "./policy-findings.ts";

/** As much of a cloud's folder as a comparison needs: what its edits do, and what its resources let in. */
export interface KnownCloud {
  edits(): Promise<CloudEdits>;
  openings(): Promise<FindOpenings>;
}

export type Clouds = Readonly<Record<string, KnownCloud>> & GovernedClouds & Parameters<typeof kindsOf>[0];

/** What two plans are called, and what is known of their files beside the plans. */
export interface Sides {
  readonly stack: string;
  readonly base: string;
  readonly head: string;
  /** Keys whose encrypted value is another text. */
  readonly otherSecrets?: readonly string[];
}

/** A comparison, and its changes by their causes for who writes it down. */
export interface Compared {
  readonly comparison: Comparison;
  readonly groups: readonly Group[];
  /** What was compared; of a stack whose file goes, nothing was. */
  readonly plans?: { readonly before: Plan; readonly after: Plan };
}

/** Compares two plans of one stack: what the engine would do, and what a person has to know of it. */
export async function comparePlans(
  before: Plan,
  after: Plan,
  sides: Sides,
  clouds: Clouds,
): Promise<Compared> {
  const [olds, news] = [factsOf(before), factsOf(after)];
  const folders = [...new Set([olds.outputs.cloud, news.outputs.cloud])].flatMap((name) =>
    typeof name === "string" && Object.hasOwn(clouds, name) ? (clouds[name] ?? []) : [],
  );
  const { edits, openings } = await knowledgeOf(folders);
  const table = await tableOf(edits.replacements, [...olds.resources, ...news.resources], clouds);
  const changes = changesBetween(olds.resources, news.resources, table);
  const material = { changes, before: olds, after: news, edits, openings };
  const summary: Finding[] = [
    ...inOrder([...(await findingsOf(material)), ...(await policyFindings(before, after, clouds))]),
    ...configurationFindings(before, after, sides.otherSecrets ?? []),
  ];
  const groups = groupsOf(changes, olds, news);
  const causes = causesOf(groups);
  const knows = (type: string) => Object.hasOwn(table, type);
  const listed = changes.flatMap((change) => {
    const found = described(change, knows);
    const cause = causes.get(change.urn);
    return found ? [{ ...found, ...(cause !== undefined && { cause }) }] : [];
  });
  const counts = Map.groupBy(changes.map(({ op }) => op).toSorted(), (op) => op);
  const { stack, base, head } = sides;
  const changeSummary = Object.fromEntries([...counts].map(([op, { length }]) => [op, length]));
  return {
    comparison: { stack, base, head, summary, changeSummary, changes: listed },
    groups,
    plans: { before, after },
  };
}

function causesOf(groups: readonly Group[]): Map<string, string> {
  return new Map(
    groups.flatMap(({ title, roots, consequences }) => {
      if (title === undefined) return [];
      return [...roots, ...consequences].map(({ urn }): [string, string] => [urn, title]);
    }),
  );
}

/** What is known of several clouds, as of one: types are each one's own. */
async function knowledgeOf(
  folders: readonly KnownCloud[],
): Promise<{ edits: CloudEdits; openings: FindOpenings }> {
  const all = await Promise.all(folders.map((folder) => folder.edits()));
  const openings = await Promise.all(folders.map((folder) => folder.openings()));
  const [old = nothingKnown, now = old] = all;
  const edits: CloudEdits = {
    ...now,
    replacements: { ...old.replacements, ...now.replacements },
    data: { ...old.data, ...now.data },
    immovable: [...new Set([...old.immovable, ...now.immovable])],
    rights: (resource) => (all.length > 1 ? [] : now.rights(resource)),
  };
  return { edits, openings: (resource) => openings.flatMap((find) => find(resource)) };
}

const nothingKnown: CloudEdits = {
  replacements: {},
  claims: () => [],
  rolls: () => false,
  immovable: [],
  data: {},
  rights: () => [],
  checks: {},
  newCluster: "its machines serve when they are healthy",
  otherPath: "the path leads to it",
};

/** A cloud's table, and what replaces the project's own resources. */
export async function tableOf(
  table: ReplacementTable,
  resources: readonly PlannedResource[],
  clouds: Clouds,
): Promise<ReplacementTable> {
  const { kindsOf } = await import("../../plugin/kinds.ts");
  const kindOf = kindsOf(clouds);
  const types = [...new Set(resources.map(({ type }) => type))].filter((type) => !Object.hasOwn(table, type));
  const own = await Promise.all(
    types.map(async (type): Promise<[string, readonly string[]][]> => {
      const kind = await kindOf(type);
      return kind ? [[type, kind.replaceOn]] : [];
    }),
  );
  return { ...table, ...Object.fromEntries(own.flat()) };
}
