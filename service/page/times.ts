import { make } from "./dom.ts";

/** Whoever looks at the page has this time zone. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const dayMs = 24 * 60 * 60_000;

/** Monday and the days after it, as cron counts them and as people call them. */
export const weekdays = [1, 2, 3, 4, 5, 6, 0].map((cron) => ({
  cron,
  // 4 January 1970 was a Sunday.
  name: new Intl.DateTimeFormat(undefined, { weekday: "short", timeZone: "UTC" }).format((3 + cron) * dayMs),
}));

/** An instant by the clock of a time zone, in the reader's language. */
export function shown(instant: string, timeZone = ownZone): string {
  return new Intl.DateTimeFormat(undefined, {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone,
    timeZoneName: "short",
  }).format(new Date(instant));
}

export function timeElement(instant: string, timeZone = ownZone): HTMLElement {
  return make("time", { dateTime: instant, title: timeZone }, shown(instant, timeZone));
}

/** Monday, 0:00, of the week that is so many weeks from this one, by the reader's clock. */
export function weekStart(offset: number): Date {
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - ((day.getDay() + 6) % 7) + offset * 7);
  return day;
}

/** The midnights of a week, the next one's first among them, by the reader's clock: days may have 23 or 25 hours. */
export function midnights(monday: Date): number[] {
  return Array.from({ length: 8 }, (_, index) => {
    const day = new Date(monday);
    day.setDate(day.getDate() + index);
    return day.getTime();
  });
}

/** An instant as a `datetime-local` field has it, by the reader's clock. */
export function toField(instant: string): string {
  const date = new Date(instant);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The instant that such a field names; what it says where it is none. */
export function fromField(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date.toISOString();
}
