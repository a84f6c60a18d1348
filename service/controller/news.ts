import { minuteMs, type Schedule } from "../schedules/schedule.ts";
import type { Plan, Share } from "../schedules/sizes.ts";
import { punctualMs } from "../schedules/sizes.ts";
import { type Content, type ControllerEvent, type Deed, eventOf } from "./content.ts";

/** How long a schedule that has nothing more to come is shown, in milliseconds: 30 days. */
const shownMs = 30 * 24 * 60 * minuteMs;

/** When nothing more can come of a schedule, at the latest. */
function lastEnd(schedule: Schedule): number {
  if ("start" in schedule)
    return schedule.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(schedule.end);
  if (schedule.until === undefined) return Number.POSITIVE_INFINITY;
  // Two days: the last of them, by the clock of whatever time zone.
  return Date.parse(`${schedule.until}T00:00:00Z`) + (2 * 24 * 60 + schedule.durationMinutes) * minuteMs;
}

/** What is to be told of a schedule's period, once. */
function newsOf({
  state,
  wanted,
  granted,
  current,
  group,
  kept,
}: Share): readonly [Deed, string] | undefined {
  if (!current) return undefined;
  const { name, cluster, flavor, image } = kept.schedule;
  if (state === "missed")
    return ["missed", `nobody was there as '${name}' began, and less than five minutes of it are left`];
  if (!group)
    return [
      "cut short",
      `'${name}' gets no machines: the deployment has no group of ${flavor}${image ? ` and ${image}` : ""} for ${cluster}`,
    ];
  if (granted < wanted)
    return [
      "cut short",
      `'${name}' gets ${granted} of ${wanted} machines: there may be no more in all (maxMachines)`,
    ];
  return undefined;
}

/**
 * The content with all that a pass has to remember: which periods have begun, ended, or were missed, each with an event;
 * without schedules that are deleted or long over. The same content when there is nothing.
 */
export function remember(content: Content, { shares }: Plan, instant: number, who: string): Content {
  const begun = { ...content.begun };
  const told = { ...content.told };
  const events: ControllerEvent[] = [];
  const startOf = new Map<string, number>();
  const removed = new Set<string>();
  const add = (what: Deed, { kept }: Share, message: string) =>
    events.push(eventOf({ who, instant }, what, kept, message));
  for (const share of shares) {
    const { kept, state, current, wanted } = share;
    const { id, schedule } = kept;
    const news = newsOf(share);
    if (current && news && told[`${id} ${news[0]}`] !== current.start) {
      told[`${id} ${news[0]}`] = current.start;
      add(news[0], share, news[1]);
    }
    if (current && wanted > 0 && kept.begun !== current.start) {
      if (kept.source === "stack") begun[id] = current.start;
      else startOf.set(id, current.start);
      const late =
        instant - current.asked > punctualMs
          ? `, ${Math.round((instant - current.asked) / minuteMs)} minutes late`
          : "";
      add("begun", share, `'${schedule.name}' asks for ${wanted} machines${late}`);
    }
    const last = kept.begun;
    if (!current && last !== undefined && told[`${id} ended`] !== last) {
      told[`${id} ended`] = last;
      add("ended", share, `'${schedule.name}' asks for no more machines`);
    }
    if (kept.source === "stack") continue;
    if (kept.deleteAt !== undefined && kept.deleteAt <= instant) {
      removed.add(id);
      add("deleted", share, `'${schedule.name}' had been deleted, and has ended`);
    } else if (state === "over" && lastEnd(schedule) + shownMs < instant) {
      removed.add(id);
      add("deleted", share, `'${schedule.name}' has been over for 30 days`);
    }
  }
  if (events.length === 0) return content;
  const schedules = content.schedules
    .filter(({ id }) => !removed.has(id))
    .map((kept) => {
      const start = startOf.get(kept.id);
      return start === undefined ? kept : { ...kept, begun: start };
    });
  // The stack's are few, and another release's controller may know others at the same time.
  const ids = new Set(shares.filter(({ kept }) => !removed.has(kept.id)).map(({ kept }) => kept.id));
  const known = (record: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      Object.entries(record).filter(
        ([key]) => key.startsWith("stack-") || ids.has(`${key.split(" ", 1)[0]}`),
      ),
    );
  return {
    ...content,
    schedules,
    begun: known(begun),
    told: known(told),
    events: [...content.events, ...events],
  };
}
