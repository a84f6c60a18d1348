/** What a schedule asks for, whenever it does. */
interface Wish {
  /** What people call it: 1 to 80 printable characters. */
  readonly name: string;
  /** The cluster whose load balancer the machines join. */
  readonly cluster: string;
  /** How many machines, beside those that the cluster has anyway. */
  readonly machines: number;
  /** One of the flavors that the stack's configuration names. */
  readonly flavor: string;
  /** One of the images that the stack's configuration names. Default: the cluster's own. */
  readonly image?: string;
  /** How long before each start the machines are asked for. Default 0. */
  readonly leadMinutes?: number;
}

/** One period. */
export interface Period {
  /** RFC 3339, with its offset: `2026-11-27T08:00:00+01:00`. */
  readonly start: string;
  /** The same; absent: until the schedule is deleted. */
  readonly end?: string;
}

/** Periods that come again. */
export interface Recurrence {
  /** When each begins, by the clock of the time zone: minute, hour, day of the month, month, day of the week. */
  readonly cron: string;
  /** How long each lasts, in minutes that pass, whatever the clock shows. */
  readonly durationMinutes: number;
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** First day, `YYYY-MM-DD` by the time zone's calendar. Default: any. */
  readonly from?: string;
  /** Last day on which one begins, likewise. Default: any. */
  readonly until?: string;
  /** Days on which none begins. */
  readonly except?: readonly string[];
}

export type Schedule = Wish & (Period | Recurrence);

/** What of a schedule decides when it is active: equal ones are active at the same times. */
export type Timing = Pick<Wish, "leadMinutes"> & (Period | Recurrence);

/** One of a schedule's periods; in milliseconds since the epoch. */
export interface Occurrence {
  /** When the machines are asked for: `leadMinutes` before the start. */
  readonly asked: number;
  readonly start: number;
  /** Infinity: until the schedule is deleted. */
  readonly end: number;
}

/** The image of the groups whose machines boot what their cluster's do: that of a schedule which names none. */
export const clusterImage = "default";

export const minuteMs = 60_000;

/** The shortest period, in minutes: less than machines may need to start on some clouds. */
export const minMinutes = 5;
/** The longest period of a recurring schedule, in minutes: 31 days. */
export const maxMinutes = 31 * 24 * 60;
/** In minutes: a day. */
export const maxLeadMinutes = 24 * 60;
/** How many days a schedule may leave out. */
export const maxExcept = 400;

/** A date and time with its offset, as RFC 3339 has it. */
export const isInstant = (value: unknown): boolean =>
  typeof value === "string" &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(value) &&
  isDay(value.slice(0, 10)) &&
  !Number.isNaN(Date.parse(value));

/** A day that there is: `2026-11-27`. */
export function isDay(value: unknown): boolean {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}
