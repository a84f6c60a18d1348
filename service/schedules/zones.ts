import { Temporal } from "temporal-polyfill";

/** A date and time as a clock on the wall shows it, as if that clock were UTC: in milliseconds since the epoch. */
export type WallTime = number;

/** Whether this Node.js knows a time zone by this name. Fixed offsets are none: they do not say when clocks change. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** What a clock in a time zone shows at an instant. */
export function wallTimeAt(instant: number, timeZone: string): WallTime {
  const there = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone);
  return instant + there.offsetNanoseconds / 1e6;
}

/**
 * When a clock in a time zone shows a time. One that it never shows, because it is set forward over it, is the first
 * instant after; one that it shows twice is the first.
 */
export function instantOf(wall: WallTime, timeZone: string): number {
  const shown = Temporal.Instant.fromEpochMilliseconds(wall).toZonedDateTimeISO("UTC").toPlainDateTime();
  // In a gap, this reads the time by the offset after it, and so gives an instant before the clock is set.
  const first = shown.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  if (first.toPlainDateTime().equals(shown)) return first.epochMilliseconds;
  return first.getTimeZoneTransition("next")?.epochMilliseconds ?? first.epochMilliseconds;
}
