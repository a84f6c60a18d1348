import type { Occurrence } from "../schedules/schedule.ts";
import type { Share } from "../schedules/sizes.ts";
import type { GroupView } from "./resizer.ts";

const text = (instant: number) => new Date(instant).toISOString();

/** A period as the API answers it. */
export function occurrenceAnswer({ asked, start, end }: Occurrence) {
  return { asked: text(asked), start: text(start), ...(Number.isFinite(end) && { end: text(end) }) };
}

/**
 * Schedules as the API answers them. The machines of a group are those of its schedules in the order in which these are
 * served; the cloud knows only the group.
 */
export function scheduleAnswers(shares: readonly Share[], groups: readonly GroupView[]) {
  const left = new Map(groups.map(({ id, running = 0 }) => [id, running]));
  const problems = new Map(groups.map(({ id, problem }) => [id, problem]));
  return shares.map(({ kept, state, current, next, wanted, granted, group }) => {
    const { id, version, source, schedule, deleteAt } = kept;
    const running = group ? (left.get(group.id) ?? 0) : 0;
    const machinesNow = Math.min(running, granted);
    if (group) left.set(group.id, running - machinesNow);
    const problem = problemOf(
      wanted,
      granted,
      machinesNow,
      group && problems.get(group.id),
      group !== undefined,
    );
    return {
      id,
      version,
      source,
      state,
      machinesNow,
      ...schedule,
      ...(current && { current: occurrenceAnswer(current) }),
      ...(next && { next: occurrenceAnswer(next) }),
      ...(problem !== undefined && { problem }),
      ...(deleteAt !== undefined && { deleteAt: text(deleteAt) }),
    };
  });
}

export type ScheduleAnswer = ReturnType<typeof scheduleAnswers>[number];

function problemOf(
  wanted: number,
  granted: number,
  machinesNow: number,
  reported: string | undefined,
  hasGroup: boolean,
): string | undefined {
  if (!hasGroup) return "the deployment has no group of this cluster, flavor and image";
  if (wanted === 0) return undefined;
  if (machinesNow < granted && reported !== undefined) return reported;
  return granted < wanted
    ? `there may be no more machines in all: it gets ${granted} (maxMachines)`
    : undefined;
}
