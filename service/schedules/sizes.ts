import type { PeakGroup } from "../compute/compute.ts";
import { standingAt } from "./occurrences.ts";
import { clusterImage, minuteMs, type Occurrence, type Schedule } from "./schedule.ts";

/** A start that comes late is made up for while so much of its period is left, in milliseconds. */
export const worthwhileMs = 5 * minuteMs;
/** A start that comes no later than this is none that was missed, however short its period; in milliseconds. */
export const punctualMs = minuteMs;

/** A schedule as it is kept. */
export interface KeptSchedule {
  readonly id: string;
  /** Counts its changes, from 1. */
  readonly version: number;
  readonly schedule: Schedule;
  /** The stack's configuration, which alone can change it, or the REST API. */
  readonly source: "stack" | "api";
  /** In milliseconds since the epoch; of a stack's schedules, 0. */
  readonly created: number;
  /** The start of the last period that machines were asked for, in milliseconds since the epoch. */
  readonly begun?: number;
  /** Deleted once this has passed, in milliseconds since the epoch: the end of the period that it may finish. */
  readonly deleteAt?: number;
}

/**
 * `waiting`: for its next period; `active`: machines are asked for, `ending`: for the last time, it is deleted afterwards;
 * `missed`: nobody was there for the start of this period, and too little of it is left; `over`: there is no more to come.
 */
export type ScheduleState = "waiting" | "active" | "ending" | "missed" | "over";

/** What a schedule asks for at an instant. */
export interface Demand {
  readonly state: ScheduleState;
  /** How many machines it asks for. */
  readonly wanted: number;
  /** The period that it asks for them in. */
  readonly current?: Occurrence;
  readonly next?: Occurrence;
  /** The first instant after at which any of this may be another. */
  readonly edge: number;
}

/** Whether a late start still counts; `begun`: machines were asked for already. */
function isMissed({ asked, end }: Occurrence, begun: boolean, instant: number): boolean {
  return !begun && end - instant < worthwhileMs && instant - asked > punctualMs;
}

/** What a schedule asks for at an instant: by the clock, and by whether this period has begun already. */
export function demandAt(kept: KeptSchedule, instant: number): Demand {
  const { schedule, begun, deleteAt } = kept;
  const standing = standingAt(schedule, instant);
  const current = standing.current;
  const next = deleteAt === undefined ? standing.next : undefined;
  const edge = Math.min(
    current?.end ?? Number.POSITIVE_INFINITY,
    standing.next?.asked ?? Number.POSITIVE_INFINITY,
    deleteAt !== undefined && deleteAt > instant ? deleteAt : Number.POSITIVE_INFINITY,
  );
  const rest = { ...(next && { next }), edge };
  if (deleteAt !== undefined && deleteAt <= instant) return { state: "over", wanted: 0, ...rest };
  if (!current) return { state: next ? "waiting" : "over", wanted: 0, ...rest };
  if (isMissed(current, begun === current.start, instant))
    return { state: "missed", wanted: 0, current, ...rest };
  return {
    state: deleteAt === undefined ? "active" : "ending",
    wanted: schedule.machines,
    current,
    ...rest,
  };
}

/** The group that a schedule's machines are in; undefined: the deployment has none such. */
export function groupOf(schedule: Schedule, groups: readonly PeakGroup[]): PeakGroup | undefined {
  const { cluster, flavor, image = clusterImage } = schedule;
  return groups.find(
    (group) => group.cluster === cluster && group.flavor === flavor && group.image === image,
  );
}

/** What a schedule gets. */
export interface Share extends Demand {
  readonly kept: KeptSchedule;
  /** How many machines of its group are its: fewer than it wants where all together want more than there may be. */
  readonly granted: number;
  readonly group?: PeakGroup;
}

export interface Plan {
  /** By the group's id, each once. */
  readonly sizes: ReadonlyMap<string, number>;
  /** In the order in which they are served. */
  readonly shares: readonly Share[];
  /** When the next of them changes, in milliseconds since the epoch; Infinity: never. */
  readonly edge: number;
}

/** The stack's schedules before all others, then as they were made. */
export const byPrecedence = (one: KeptSchedule, other: KeptSchedule): number =>
  Number(other.source === "stack") - Number(one.source === "stack") ||
  one.created - other.created ||
  (one.id < other.id ? -1 : Number(one.id > other.id));

/**
 * The sizes that groups must have at an instant. They follow from the clock and the schedules alone, so that whoever looks,
 * however late, comes to the same. What schedules ask for adds up; all together get no more than `maxMachines`, those that
 * were there first before the others.
 */
export function planAt(
  schedules: readonly KeptSchedule[],
  groups: readonly PeakGroup[],
  maxMachines: number,
  instant: number,
): Plan {
  const sizes = new Map(groups.map(({ id }) => [id, 0]));
  let left = maxMachines;
  let edge = Number.POSITIVE_INFINITY;
  const shares = schedules.toSorted(byPrecedence).map((kept): Share => {
    const demand = demandAt(kept, instant);
    edge = Math.min(edge, demand.edge);
    const group = groupOf(kept.schedule, groups);
    const granted = group ? Math.min(demand.wanted, left) : 0;
    left -= granted;
    if (group) sizes.set(group.id, (sizes.get(group.id) ?? 0) + granted);
    return { kept, ...demand, granted, ...(group && { group }) };
  });
  return { sizes, shares, edge };
}
