import type { Look, Member, Server, Slot } from "./look.ts";
import type { GroupTemplate, PoolShare, Template } from "./template.ts";

/** One step, each of which may be repeated, and is done by whoever comes first. */
export type Step = (
  | { readonly do: "open"; readonly template: GroupTemplate; readonly number: number }
  | { readonly do: "join"; readonly template: GroupTemplate; readonly slot: Slot; readonly share: PoolShare }
  | { readonly do: "weigh"; readonly member: Member; readonly weight: number }
  | { readonly do: "leave"; readonly member: Member }
  | { readonly do: "drain"; readonly slot: Slot }
  /** `why`, where it failed: in the cloud's words. */
  | { readonly do: "discard"; readonly server: Server; readonly why?: string }
  | { readonly do: "close"; readonly slot: Slot }
) & {
  /** The group's id; empty: none's. */
  readonly group: string;
};

/** One that makes nothing. */
export type ClearingStep = Exclude<Step, { readonly do: "open" | "join" }>;

export interface Decision {
  readonly steps: readonly Step[];
  /** In how many milliseconds there may be more to do, though nobody asks; absent: nothing is under way. */
  readonly again?: number;
}

/** How soon is looked at what is under way, in milliseconds: a machine that is made, one that leaves. */
const underWayMs = 3_000;
/** The same of new machines that are waited for before old ones go. */
const rollMs = 10_000;

/** How long who made a port may take to ask for its machine, in milliseconds; then it was killed. */
const claimMs = 120_000;

/** How many machines a group is to have, as far as is known. */
export type Wanted = ReadonlyMap<string, number>;

/**
 * What is to be done, so that groups get their sizes, their machines are of the newest revision and in their pools, and
 * nothing else is left. New machines come before old ones go. It follows from what there is alone.
 *
 * @param now in milliseconds since the epoch
 */
export function decide(
  { slots, strays, orphans }: Look,
  template: Template,
  wanted: Wanted,
  now: number,
): Decision {
  const groups = new Set([...template.groups.map(({ id }) => id), ...slots.map(({ group }) => group)]);
  const decisions = [...groups].map((id) => {
    const group = template.groups.find((known) => known.id === id);
    const own = slots.filter((slot) => slot.group === id);
    // A group that the deployment has no more is to be empty.
    return ofGroup(id, own, group, group ? wanted.get(id) : 0, template, now);
  });
  const left: Step[] = [
    ...strays.filter(isThere).map((server) => ({ do: "discard" as const, server, group: "" })),
    ...orphans.map((member) => ({ do: "leave" as const, member, group: "" })),
  ];
  const steps = [...left, ...decisions.flatMap(({ steps }) => steps)];
  const waits = decisions.flatMap(({ again }) => (again === undefined ? [] : [again]));
  if (steps.length > 0) waits.push(underWayMs);
  return { steps, ...(waits.length > 0 && { again: Math.min(...waits) }) };
}

/** What is to be done so that nothing is left, at once. */
export function removal({ slots, strays, orphans }: Look): ClearingStep[] {
  const left = [...slots.flatMap(({ members }) => members), ...orphans];
  return [
    ...left.map((member): ClearingStep => ({ do: "leave", member, group: "" })),
    ...strays.filter(isThere).map((server): ClearingStep => ({ do: "discard", server, group: "" })),
    ...slots.flatMap((slot) => leaving({ ...slot, members: [] }, true)),
  ];
}

function ofGroup(
  group: string,
  slots: readonly Slot[],
  template: GroupTemplate | undefined,
  wanted: number | undefined,
  { drainSeconds, bootSeconds }: Template,
  now: number,
): Decision {
  const live = slots.filter(({ drains }) => drains === undefined);
  const steps: Step[] = [];
  const waits: number[] = [];
  for (const slot of slots) {
    if (slot.drains === undefined) continue;
    const rest = slot.drains + drainSeconds * 1000 - now;
    steps.push(...leaving(slot, rest <= 0));
    waits.push(Math.max(underWayMs, Math.min(rest, 30_000)));
  }
  if (template) {
    for (const slot of live) steps.push(...serving(slot, template, bootSeconds, now));
    if (live.some(({ server }) => !server || server.status === "BUILD")) waits.push(underWayMs);
  }
  if (wanted !== undefined) {
    const { opens, drains, rolls } = sizing(slots, template, wanted);
    if (template) steps.push(...opens.map((number) => ({ do: "open" as const, template, number, group })));
    for (const slot of drains) steps.push({ do: "drain", slot, group }, ...leaving(slot, false));
    if (rolls) waits.push(rollMs);
  }
  return { steps, ...(waits.length > 0 && { again: Math.min(...waits) }) };
}

const isThere = (server: Server) => server["OS-EXT-STS:task_state"] !== "deleting";

/** A machine that leaves: no new requests, then time for those it has, then it goes, and its port last. */
function leaving({ members, server, group, ...rest }: Slot, isDrained: boolean): ClearingStep[] {
  if (!server && members.length === 0) return [{ do: "close", slot: { members, group, ...rest }, group }];
  if (isDrained || !server) {
    const left = members.map((member): ClearingStep => ({ do: "leave", member, group }));
    return server && isThere(server) ? [...left, { do: "discard", server, group }] : left;
  }
  return members
    .filter(({ weight }) => weight > 0)
    .map((member) => ({ do: "weigh", member, weight: 0, group }));
}

/** A machine that is wanted: made anew when it is gone or has failed, and in its pools once it runs. */
function serving(slot: Slot, template: GroupTemplate, bootSeconds: number, now: number): Step[] {
  const { server, members, group } = slot;
  if (!server) {
    // Whoever made the port makes its machine; nobody else may, because Nova would take both.
    if (now - slot.made < claimMs) return [];
    return [...members.map((member): Step => ({ do: "leave", member, group })), { do: "close", slot, group }];
  }
  if (!isThere(server)) return [];
  if (server.status === "ERROR")
    return [{ do: "discard", server, why: server.fault?.message ?? "Nova says no more than ERROR", group }];
  const isLate = Date.parse(server.created) + bootSeconds * 1000 < now;
  if (server.status === "BUILD" && isLate)
    return [{ do: "discard", server, why: `Nova did not make it in ${bootSeconds} s`, group }];
  if (server.status !== "ACTIVE") return [];
  // Nova has taken it away, with another machine that was made for it by a request that was sent twice.
  if (!slot.isBound) return [{ do: "discard", server, why: "it has lost its port", group }];
  const { pools } = template;
  const joins = pools.flatMap((share): Step[] => {
    const member = members.find(({ pool }) => pool === share.pool);
    if (!member) return [{ do: "join", template, slot, share, group }];
    return member.weight === share.weight ? [] : [{ do: "weigh", member, weight: share.weight, group }];
  });
  const others = members.filter((member) => !pools.some(({ pool }) => pool === member.pool));
  return [...joins, ...others.map((member): Step => ({ do: "leave", member, group }))];
}

/** Whether a machine is what the deployment would make now. */
function isCurrent({ server, subnet }: Slot, template: GroupTemplate | undefined): boolean {
  const revision = server?.metadata.switchyard_revision ?? template?.revision;
  return revision === template?.revision && !!template?.places.some((place) => place.subnet === subnet);
}

/** Members' states in which they get requests; without health checks there is no better one. */
const servingStates: ReadonlySet<string> = new Set(["ONLINE", "NO_MONITOR"]);

export function isServing({ server, members }: Slot, { pools }: Pick<GroupTemplate, "pools">): boolean {
  return (
    server?.status === "ACTIVE" &&
    pools.every(({ pool }) =>
      members.some((member) => member.pool === pool && servingStates.has(member.operating_status)),
    )
  );
}

/** Which slots come and go: one more than wanted at a time, while new machines take the places of old ones. */
function sizing(
  slots: readonly Slot[],
  template: GroupTemplate | undefined,
  wanted: number,
): { readonly opens: number[]; readonly drains: Slot[]; readonly rolls: boolean } {
  const live = slots.filter(({ drains }) => drains === undefined);
  const current = live.filter((slot) => isCurrent(slot, template));
  const old = live.filter((slot) => !current.includes(slot));
  const ready = template ? current.filter((slot) => isServing(slot, template)) : [];
  const rolls = old.length > 0 && wanted > 0;
  const most = rolls ? wanted + 1 : wanted;
  const spare = Math.min(old.length, ready.length + old.length - wanted);
  const surplus = Math.max(0, live.length - most, spare);
  const order = (slot: Slot) => (old.includes(slot) ? 0 : ready.includes(slot) ? 2 : 1);
  const drains = live
    .toSorted((one, other) => order(one) - order(other) || other.number - one.number)
    .slice(0, surplus);
  const taken = new Set(slots.map(({ number }) => number));
  const opens: number[] = [];
  for (let number = 0; opens.length < most - live.length; number += 1)
    if (!taken.has(number)) opens.push(number);
  return { opens, drains, rolls };
}
