import { cidrsOverlap, parseCidr } from "../../config/cidr.ts";
import { parseUrn } from "../../operations/urn.ts";
import { type Change, changesBetween, type ReplacementTable } from "../../plan/changes.ts";
import { labelOf, simpleType } from "../../plan/labels.ts";
import type { PlannedResource } from "../../plan/plan.ts";
import type { StackPlan } from "./plan.ts";

/** What only one resource at a time may have. */
export interface Claim {
  /** Of what, in one word: `priority`. */
  readonly of: string;
  readonly key: readonly unknown[];
  /** A range of addresses, which must not overlap another's with the same key. */
  readonly range?: string;
  /** Others may have the same key if they have this same value, too. */
  readonly unless?: string;
}

/** What a cloud refuses in the middle of a deployment, though each of the two plans is right. */
export interface CloudLimits {
  readonly replacements: ReplacementTable;
  /** @param other finds the resource that a token refers to, in the same plan */
  claims(resource: PlannedResource, other: (token: unknown) => PlannedResource | undefined): Claim[];
  /** Whether a change replaces the machines of the group that its resource is of. */
  rolls(change: Change): boolean;
  /** Groups whose machines are replaced, for a cloud that makes each by itself. Default: those of whose changes `rolls` says so. */
  rolledBy?(changes: readonly Change[]): readonly string[];
  /** Properties, `Type.property`, that can never be changed to what belongs to something else which is replaced. */
  readonly immovable: readonly string[];
}

/** What an edit does, resource by resource: `Type::name`. */
export interface Edit {
  readonly changes: readonly Change[];
  readonly made: readonly string[];
  readonly updated: readonly string[];
  /** Made first, deleted at the end. */
  readonly replaced: readonly string[];
  /** Deleted first, then made. */
  readonly deletedFirst: readonly string[];
  readonly deleted: readonly string[];
  /** In the program no more, and left where it is. */
  readonly kept: readonly string[];
  /** Groups whose machines are replaced, because of what they are made of. */
  readonly rolled: readonly string[];
  /** What the cloud would refuse: the engine makes and updates before it deletes, and in any order that dependencies allow. */
  readonly collisions: readonly string[];
}

const nameOf = (urn: string) => {
  const { types, name } = parseUrn(urn);
  return `${simpleType(types.at(-1) ?? "")}::${name}`;
};

/** What becomes of a deployment of one plan when the other is deployed. */
export function editOf(before: StackPlan, after: StackPlan, limits: CloudLimits): Edit {
  const custom = ({ resources }: StackPlan) => resources.filter((resource) => resource.custom);
  const changes = changesBetween(custom(before), custom(after), limits.replacements);
  const names = (wanted: (change: Change) => boolean) =>
    changes
      .filter(wanted)
      .map(({ urn }) => nameOf(urn))
      .sort();
  return {
    changes,
    made: names(({ op }) => op === "create"),
    updated: names(({ op }) => op === "update"),
    replaced: names(({ op, deletesFirst }) => op === "replace" && !deletesFirst),
    deletedFirst: names(({ op, deletesFirst }) => op === "replace" && deletesFirst),
    deleted: names(({ op, before }) => op === "delete" && !before?.retainOnDelete),
    kept: names(({ op, before }) => op === "delete" && before?.retainOnDelete === true),
    rolled:
      limits.rolledBy?.(changes) ??
      changes.filter((change) => limits.rolls(change)).map(({ urn }) => parseUrn(urn).name),
    collisions: [
      ...collisionsOf(changes, before, after, limits),
      ...protectedOnes(changes),
      ...movedOnes(changes, limits),
    ].sort(),
  };
}

/** A resource that is protected cannot go, whatever else happens. */
function protectedOnes(changes: readonly Change[]): string[] {
  return changes
    .filter(({ op, before }) => (op === "delete" || op === "replace") && before?.protect)
    .map(({ urn, op }) => `${nameOf(urn)} is protected, and cannot be ${op}d`);
}

function movedOnes(changes: readonly Change[], { immovable }: CloudLimits): string[] {
  const replaced = changes.filter(({ op }) => op === "replace");
  return changes.flatMap(({ op, urn, after, changed }) => {
    if (op !== "update" || !after) return [];
    return changed
      .filter((name) => immovable.includes(`${simpleType(after.type)}.${name}`))
      .filter((name) => replaced.some((other) => mentions(after.inputs?.[name], other.after)))
      .map((name) => `${nameOf(urn)} cannot be moved by ${name}`);
  });
}

function mentions(value: unknown, resource: PlannedResource | undefined): boolean {
  return resource !== undefined && JSON.stringify(value ?? "").includes(tokenOf(resource));
}

const tokenOf = ({ urn, parent }: PlannedResource) => `\${${labelOf(urn, parent)}.`;

interface Holder {
  readonly urn: string;
  readonly claim: Claim;
}

function collisionsOf(
  changes: readonly Change[],
  before: StackPlan,
  after: StackPlan,
  limits: CloudLimits,
): string[] {
  const replaced = changes.flatMap(({ op, after }) => (op === "replace" && after ? [after] : []));
  // What is made anew is something else, though a plan calls it the same.
  const renewed = (text: string) =>
    replaced.reduce(
      (now, resource) => now.replaceAll(tokenOf(resource), tokenOf(resource).replace("{", "{new ")),
      text,
    );
  const heldBefore = changes.flatMap((change) => holdersOf(change.before, before, limits));
  const changeOf = new Map(changes.map((change) => [change.urn, change]));
  return changes
    .filter(({ op }) => op !== "same" && op !== "delete")
    .flatMap((change) => holdersOf(change.after, after, limits))
    .flatMap(({ urn, claim }) => {
      const wanted = { ...claim, key: JSON.parse(renewed(JSON.stringify(claim.key))) as unknown[] };
      return heldBefore
        .filter((held) => clash(wanted, held.claim))
        .filter((held) => !isReleased(held, urn, changeOf, after, limits))
        .map((held) => `${nameOf(urn)} wants the ${claim.of} that ${nameOf(held.urn)} has until later`);
    });
}

function holdersOf(resource: PlannedResource | undefined, plan: StackPlan, limits: CloudLimits): Holder[] {
  if (!resource) return [];
  const other = (token: unknown) =>
    plan.resources.find((one) => typeof token === "string" && token.startsWith(tokenOf(one)));
  return limits.claims(resource, other).map((claim) => ({ urn: resource.urn, claim }));
}

function clash(wanted: Claim, held: Claim): boolean {
  if (wanted.of !== held.of || JSON.stringify(wanted.key) !== JSON.stringify(held.key)) return false;
  if (wanted.unless !== undefined && wanted.unless === held.unless) return false;
  const [one, other] = [parseCidr(wanted.range), parseCidr(held.range)];
  return !one || !other || cidrsOverlap(one, other);
}

/** Whether what was held is certainly free when `urn` is made or updated. */
function isReleased(
  { urn: holder, claim }: Holder,
  urn: string,
  changeOf: ReadonlyMap<string, Change>,
  after: StackPlan,
  limits: CloudLimits,
): boolean {
  const change = changeOf.get(holder);
  if (!change || change.op === "delete") return false;
  if (change.op === "replace") return change.deletesFirst && (holder === urn || after.dependsOn(urn, holder));
  const keeps = holdersOf(change.after, after, limits).some((now) => clash(now.claim, claim));
  if (holder === urn) return true;
  return !keeps && change.op === "update" && after.dependsOn(urn, holder);
}
