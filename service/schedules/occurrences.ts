import { Cron } from "croner";
import { minuteMs, type Occurrence, type Recurrence, type Timing } from "./schedule.ts";
import { instantOf, type WallTime, wallTimeAt } from "./zones.ts";

/**
 * How much earlier than an instant's own wall time one may read that is the same instant or a later one: more than any
 * time zone's clock is set forward by at once, but for a change of the calendar's day.
 */
const slackMs = 3 * 60 * minuteMs;

/** How many things of each kind are remembered, because they take long to make. */
const maxKnown = 10_000;

const crons = new Map<string, Cron>();

/** A cron expression for a clock that never changes; what a real one does is zones.ts's. */
export function wallCron(expression: string): Cron {
  const before = crons.get(expression);
  if (before) return before;
  const cron = new Cron(expression, { mode: "5-part", utcOffset: 0 });
  if (crons.size >= maxKnown) crons.clear();
  crons.set(expression, cron);
  return cron;
}

const dayOf = (wall: WallTime) => new Date(wall).toISOString().slice(0, 10);

/** The wall times at which periods begin, from one on. */
function* wallStarts({ cron, from, until, except = [] }: Recurrence, since: WallTime): Generator<WallTime> {
  const left = new Set(except);
  const expression = wallCron(cron);
  const first = Math.max(since, from === undefined ? since : Date.parse(`${from}T00:00:00Z`));
  let next = expression.nextRun(new Date(first - 1));
  while (next) {
    const wall = next.getTime();
    const day = dayOf(wall);
    if (until !== undefined && day > until) return;
    if (!left.has(day)) yield wall;
    next = expression.nextRun(next);
  }
}

/** A schedule's periods that end after an instant, in order, without end if need be. Two that begin at the same instant are one. */
export function* occurrencesAfter(timing: Timing, instant: number): Generator<Occurrence, void> {
  const leadMs = (timing.leadMinutes ?? 0) * minuteMs;
  if ("start" in timing) {
    const start = Date.parse(timing.start);
    const end = timing.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(timing.end);
    if (end > instant) yield { asked: start - leadMs, start, end };
    return;
  }
  const durationMs = timing.durationMinutes * minuteMs;
  const since = wallTimeAt(instant - durationMs, timing.timeZone) - slackMs;
  let last = Number.NEGATIVE_INFINITY;
  for (const wall of wallStarts(timing, since)) {
    const start = instantOf(wall, timing.timeZone);
    if (start === last || start + durationMs <= instant) continue;
    last = start;
    yield { asked: start - leadMs, start, end: start + durationMs };
  }
}

/** Those of a schedule's periods that overlap a range of instants, machines being asked for included. */
export function occurrencesWithin(timing: Timing, from: number, to: number): Occurrence[] {
  const found: Occurrence[] = [];
  for (const occurrence of occurrencesAfter(timing, from)) {
    if (occurrence.asked >= to) break;
    found.push(occurrence);
  }
  return found;
}

/** Where a schedule stands at an instant. */
export interface Standing {
  /** The period that the instant is in, being asked for included: of two, the later. */
  readonly current?: Occurrence;
  /** The first that is asked for after it. */
  readonly next?: Occurrence;
}

interface KnownStanding extends Standing {
  readonly from: number;
  readonly to: number;
}

/** Standings by what decides them, which are true from one instant to another: a pass over many schedules is short so. */
const known = new Map<string, KnownStanding>();

/** Equal for schedules that are active at the same times. */
export const timingKey = (timing: Timing): string =>
  "start" in timing
    ? `${timing.start} ${timing.end} ${timing.leadMinutes}`
    : [
        timing.cron,
        timing.durationMinutes,
        timing.timeZone,
        timing.from,
        timing.until,
        timing.except,
        timing.leadMinutes,
      ].join("|");

export function standingAt(timing: Timing, instant: number): Standing {
  const key = timingKey(timing);
  const before = known.get(key);
  if (before && before.from <= instant && instant < before.to) return before;
  const standing = findStanding(timing, instant);
  const { current, next } = standing;
  const to = Math.min(current?.end ?? Number.POSITIVE_INFINITY, next?.asked ?? Number.POSITIVE_INFINITY);
  if (known.size >= maxKnown) known.clear();
  known.set(key, { ...standing, from: instant, to });
  return standing;
}

function findStanding(timing: Timing, instant: number): Standing {
  let current: Occurrence | undefined;
  for (const occurrence of occurrencesAfter(timing, instant)) {
    if (occurrence.asked > instant) return { ...(current && { current }), next: occurrence };
    current = occurrence;
  }
  return current ? { current } : {};
}
