import { occurrencesWithin, timingKey } from "./occurrences.ts";
import { minuteMs, type Occurrence, type Schedule } from "./schedule.ts";

/** How far ahead is looked for what schedules ask for at once, in milliseconds: five weeks. */
export const lookAheadMs = 35 * 24 * 60 * minuteMs;

/** How many schedules are looked at before others get a turn. */
const atATime = 20;

export interface Peak {
  readonly machines: number;
  /** When it is first asked for, in milliseconds since the epoch. */
  readonly at: number;
}

/** Periods by what decides them: they are the same for as long as they are looked at from the same hour. */
const known = new Map<string, { readonly from: number; readonly occurrences: readonly Occurrence[] }>();
const maxKnown = 2_000;

function ahead(schedule: Schedule, from: number): readonly Occurrence[] {
  const key = timingKey(schedule);
  const before = known.get(key);
  if (before?.from === from) return before.occurrences;
  const occurrences = occurrencesWithin(schedule, from, from + lookAheadMs);
  if (known.size >= maxKnown) known.clear();
  known.set(key, { from, occurrences });
  return occurrences;
}

/**
 * The most machines that schedules ask for at once while one of them does, in the five weeks from an instant: for
 * refusing one that can never be served whole. Later ones are cut short when their time comes (sizes.ts).
 */
export async function mostAtOnce(
  added: Schedule,
  others: readonly Schedule[],
  instant: number,
): Promise<Peak> {
  const hour = 60 * minuteMs;
  const from = Math.floor(instant / hour) * hour;
  const windows = ahead(added, from).filter(({ end }) => end > instant);
  const changes = new Map<number, number>();
  const add = (at: number, machines: number) => changes.set(at, (changes.get(at) ?? 0) + machines);
  const addAll = (schedule: Schedule, occurrences: readonly Occurrence[]) => {
    let end = Number.NEGATIVE_INFINITY;
    for (const occurrence of occurrences) {
      // One schedule's periods that overlap, by their lead, are no more machines.
      const begins = Math.max(occurrence.asked, end, instant);
      if (occurrence.end <= begins) continue;
      add(begins, schedule.machines);
      add(occurrence.end, -schedule.machines);
      end = occurrence.end;
    }
  };
  addAll(added, windows);
  for (const [index, other] of others.entries()) {
    if (index % atATime === atATime - 1) await new Promise(setImmediate);
    addAll(other, ahead(other, from));
  }
  let machines = 0;
  let most: Peak = { machines: 0, at: instant };
  let window = 0;
  for (const [at, change] of [...changes].sort(([one], [other]) => one - other)) {
    machines += change;
    while (window < windows.length && (windows[window] as Occurrence).end <= at) window += 1;
    const inWindow = windows[window] !== undefined && (windows[window] as Occurrence).asked <= at;
    if (inWindow && machines > most.machines) most = { machines, at };
  }
  return most;
}
