import { occurrencesAfter, wallCron } from "./occurrences.ts";
import {
  isDay,
  isInstant,
  maxExcept,
  maxLeadMinutes,
  maxMinutes,
  minMinutes,
  minuteMs,
  type Recurrence,
  type Schedule,
} from "./schedule.ts";
import { isTimeZone } from "./zones.ts";

type Values = Readonly<Record<string, unknown>>;

const shared = ["name", "cluster", "machines", "flavor", "image", "leadMinutes"];
const once = ["start", "end"];
const recurring = ["cron", "durationMinutes", "timeZone", "from", "until", "except"];

/** How many starts are looked at for some that come before the period before them has ended. */
const startsLookedAt = 60;

/**
 * What is wrong with a schedule by itself: a line for each value, with what it may be; none: it is a {@link Schedule}.
 * Whether there is such a cluster or flavor is for whoever knows the deployment.
 */
export function scheduleProblems(value: unknown): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [
      `a schedule is ${show(value)}; it must be an object with name, cluster, machines, flavor and when`,
    ];
  const values = value as Values;
  const problems: string[] = [];
  const check = (key: string, isRight: boolean, allowed: string) => {
    if (isRight) return true;
    const found = values[key] === undefined ? "is not there" : `is ${show(values[key])}`;
    problems.push(`${key} ${found}; it must be ${allowed}`);
    return false;
  };
  const optional = (key: string, isRight: (given: unknown) => boolean, allowed: string) =>
    check(key, values[key] === undefined || isRight(values[key]), allowed);

  const isRecurring = recurring.some((key) => key in values);
  const isOnce = once.some((key) => key in values);
  if (isRecurring === isOnce)
    problems.push(
      isOnce
        ? "it has start or end, and cron, durationMinutes, timeZone, from, until or except; it must be one period (start, end) or recurring (cron, durationMinutes, timeZone)"
        : "it does not say when; give start (and end), or cron, durationMinutes and timeZone",
    );
  const known = [...shared, ...once, ...recurring];
  for (const key of Object.keys(values).filter((key) => !known.includes(key)))
    problems.push(`${show(key)} is no key of a schedule; it has ${known.join(", ")}`);

  check("name", isName(values.name), "1 to 80 printable characters, with none at its ends that is a space");
  check("cluster", isWord(values.cluster), "the name of a cluster");
  check("machines", isWhole(values.machines, 1, 1000), "a whole number from 1 to 1000");
  check("flavor", isWord(values.flavor), "the name of a flavor");
  optional("image", isWord, "the name of an image; leave it out for the cluster's own");
  optional(
    "leadMinutes",
    (given) => isWhole(given, 0, maxLeadMinutes),
    `a whole number from 0 to ${maxLeadMinutes}`,
  );
  if (isOnce) {
    const format = "a date and time with its offset, such as 2026-11-27T08:00:00+01:00";
    const bothRight = [check("start", isInstant(values.start), format), optional("end", isInstant, format)];
    if (bothRight.every(Boolean) && typeof values.end === "string") {
      const minutes = (Date.parse(values.end) - Date.parse(values.start as string)) / minuteMs;
      check("end", minutes >= minMinutes, `at least ${minMinutes} minutes after the start`);
    }
  }
  if (isRecurring) {
    const parts = [
      checkCron(values.cron, problems),
      check(
        "durationMinutes",
        isWhole(values.durationMinutes, minMinutes, maxMinutes),
        `a whole number from ${minMinutes} to ${maxMinutes}`,
      ),
      check(
        "timeZone",
        typeof values.timeZone === "string" && isTimeZone(values.timeZone),
        "the IANA name of a time zone, such as Europe/Berlin",
      ),
      optional("from", isDay, "a day, such as 2026-11-27"),
      optional("until", isDay, "a day, such as 2026-11-27"),
      optional(
        "except",
        (given) => Array.isArray(given) && given.length <= maxExcept && given.every(isDay),
        `a list of at most ${maxExcept} days, such as 2026-12-25`,
      ),
    ];
    if (parts.every(Boolean) && problems.length === 0)
      problems.push(...recurrenceProblems(value as Schedule & Recurrence));
  }
  return problems;
}

function recurrenceProblems(schedule: Schedule & Recurrence): string[] {
  const { cron, durationMinutes, from, until } = schedule;
  if (from !== undefined && until !== undefined && until < from)
    return [`until is ${show(until)}; it must not be before from, ${show(from)}`];
  const since = from === undefined ? Date.now() : Date.parse(`${from}T00:00:00Z`);
  const [first, ...rest] = takeStarts(wallCron(cron), since);
  if (first === undefined) return [`cron is ${show(cron)}; there is no such day`];
  let before = first;
  for (const start of rest) {
    const minutes = (start - before) / minuteMs;
    if (minutes < durationMinutes)
      return [
        `durationMinutes is ${durationMinutes}; it must be at most ${minutes}, because '${cron}' begins again after that`,
      ];
    before = start;
  }
  const [any] = occurrencesAfter({ ...schedule }, 0);
  return any ? [] : ["from, until and except leave no day on which it begins"];
}

function takeStarts(cron: ReturnType<typeof wallCron>, since: number): number[] {
  return cron.nextRuns(startsLookedAt, new Date(since)).map((date) => date.getTime());
}

function checkCron(value: unknown, problems: string[]): boolean {
  const allowed =
    "five fields: minute, hour, day of the month, month, day of the week, such as '0 8 * * 1-5'";
  // `?` means something else to each program that knows it.
  const isFive = typeof value === "string" && value.length <= 200 && /^([^\s?]+ ){4}[^\s?]+$/.test(value);
  if (!isFive) {
    problems.push(
      `cron ${value === undefined ? "is not there" : `is ${show(value)}`}; it must be ${allowed}`,
    );
    return false;
  }
  try {
    wallCron(value);
    return true;
  } catch (error) {
    problems.push(
      `cron is ${show(value)}; it must be ${allowed} (${(error as Error).message.replace(/^CronPattern: /, "")})`,
    );
    return false;
  }
}

const show = (value: unknown): string => (JSON.stringify(value) ?? `${value}`).slice(0, 100);

const isName = (value: unknown): boolean =>
  typeof value === "string" && /^[^\p{C}\p{Z}]([^\p{C}\p{Zl}\p{Zp}]{0,78}[^\p{C}\p{Z}])?$/u.test(value);

const isWord = (value: unknown): boolean => typeof value === "string" && /^[\w.:/ -]{1,255}$/.test(value);

const isWhole = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
