import { cidrsOverlap, parseCidr } from "../../config/cidr.ts";
import type { Change } from "../changes.ts";
import { labelOf, simpleType } from "../labels.ts";
import { readable } from "../names.ts";
import type { PlannedResource } from "../plan.ts";
import type { Claim, CloudEdits } from "./cloud-edits.ts";

/** What the cloud, or the engine, refuses in the middle of a deployment. */
export interface Collision {
  readonly text: string;
  /** Of whatever takes part in it. */
  readonly urns: readonly string[];
}

/** What tokens of a resource's outputs begin with. */
export function tokenOf({ urn, parent }: PlannedResource): string {
  return `\${${labelOf(urn, parent)}.`;
}

/**
 * Finds what fails though each of the two plans is right: the engine makes and updates before it deletes, and in any
 * order that dependencies allow.
 * @param after all resources of the new plan
 */
export function collisionsOf(
  changes: readonly Change[],
  after: readonly PlannedResource[],
  edits: CloudEdits,
): Collision[] {
  return [
    ...clashesOf(changes, after, edits),
    ...protectedOnes(changes),
    ...movedOnes(changes, edits),
    ...refusedOnes(changes, edits),
  ].sort((a, b) => (a.text < b.text ? -1 : 1));
}

function refusedOnes(changes: readonly Change[], edits: CloudEdits): Collision[] {
  return changes.flatMap((change) => {
    const why = edits.refuses?.(change);
    return why === undefined ? [] : [{ text: `${readable(change.urn)} ${why}`, urns: [change.urn] }];
  });
}

/** A resource that is protected cannot go, whatever else happens. */
function protectedOnes(changes: readonly Change[]): Collision[] {
  return changes
    .filter(({ op, before }) => (op === "delete" || op === "replace") && before?.protect)
    .map(({ urn, op }) => ({ text: `${readable(urn)} is protected, and cannot be ${op}d`, urns: [urn] }));
}

function movedOnes(changes: readonly Change[], { immovable }: CloudEdits): Collision[] {
  const replaced = changes.filter(({ op }) => op === "replace");
  return changes.flatMap(({ op, urn, after, changed }) => {
    if (op !== "update" || !after) return [];
    return changed
      .filter((name) => immovable.includes(`${simpleType(after.type)}.${name}`))
      .filter((name) => replaced.some((other) => mentions(after.inputs?.[name], other.after)))
      .map((name) => ({ text: `${readable(urn)} cannot be moved by ${name}`, urns: [urn] }));
  });
}

function mentions(value: unknown, resource: PlannedResource | undefined): boolean {
  return resource !== undefined && JSON.stringify(value ?? "").includes(tokenOf(resource));
}

interface Holder {
  readonly urn: string;
  readonly claim: Claim;
}

function clashesOf(
  changes: readonly Change[],
  after: readonly PlannedResource[],
  edits: CloudEdits,
): Collision[] {
  const before = changes.flatMap((change) => change.before ?? []);
  const replaced = changes.flatMap(({ op, after }) => (op === "replace" && after ? [after] : []));
  // What is made anew is something else, though a plan calls it the same.
  const renewed = (text: string) =>
    replaced.reduce(
      (now, resource) => now.replaceAll(tokenOf(resource), tokenOf(resource).replace("{", "{new ")),
      text,
    );
  const heldBefore = changes.flatMap((change) => holdersOf(change.before, before, edits));
  const changeOf = new Map(changes.map((change) => [change.urn, change]));
  const waitsFor = waiting(after);
  return changes
    .filter(({ op }) => op !== "same" && op !== "delete")
    .flatMap((change) => holdersOf(change.after, after, edits))
    .flatMap(({ urn, claim }) => {
      const wanted = { ...claim, key: JSON.parse(renewed(JSON.stringify(claim.key))) as unknown[] };
      return heldBefore
        .filter((held) => clash(wanted, held.claim))
        .filter((held) => !isReleased(held, urn, changeOf.get(held.urn), after, edits, waitsFor))
        .map((held) => ({
          text: `${readable(urn)} wants the ${claim.of} that ${readable(held.urn)} has until later`,
          urns: [urn, held.urn],
        }));
    });
}

function holdersOf(
  resource: PlannedResource | undefined,
  plan: readonly PlannedResource[],
  edits: CloudEdits,
): Holder[] {
  if (!resource) return [];
  const other = (token: unknown) =>
    plan.find((one) => typeof token === "string" && token.startsWith(tokenOf(one)));
  return edits.claims(resource, other).map((claim) => ({ urn: resource.urn, claim }));
}

function clash(wanted: Claim, held: Claim): boolean {
  if (wanted.of !== held.of || JSON.stringify(wanted.key) !== JSON.stringify(held.key)) return false;
  if (wanted.unless !== undefined && wanted.unless === held.unless) return false;
  const [one, other] = [parseCidr(wanted.range), parseCidr(held.range)];
  return !one || !other || cidrsOverlap(one, other);
}

type WaitsFor = (urn: string, other: string) => boolean;

/** Whether what was held is certainly free when `urn` is made or updated. */
function isReleased(
  { urn: holder, claim }: Holder,
  urn: string,
  change: Change | undefined,
  after: readonly PlannedResource[],
  edits: CloudEdits,
  waitsFor: WaitsFor,
): boolean {
  if (!change || change.op === "delete") return false;
  if (change.op === "replace") return change.deletesFirst && (holder === urn || waitsFor(urn, holder));
  const keeps = holdersOf(change.after, after, edits).some((now) => clash(now.claim, claim));
  if (holder === urn) return true;
  return !keeps && change.op === "update" && waitsFor(urn, holder);
}

/** Tells whether one resource waits for another, however far apart they are. */
function waiting(resources: readonly PlannedResource[]): WaitsFor {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const all = new Map<string, ReadonlySet<string>>();
  const reached = (urn: string): ReadonlySet<string> => {
    const known = all.get(urn);
    if (known) return known;
    const direct = byUrn.get(urn)?.dependencies ?? [];
    const found = new Set(direct.flatMap((next) => [next, ...reached(next)]));
    all.set(urn, found);
    return found;
  };
  return (urn, other) => reached(urn).has(other);
}
