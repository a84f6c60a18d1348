import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { standingAt } from "../../../service/schedules/occurrences.ts";
import type { Schedule } from "../../../service/schedules/schedule.ts";
import { planAt } from "../../../service/schedules/sizes.ts";
import { scheduleProblems } from "../../../service/schedules/validate.ts";

/** Time zones that change their clocks in 2025: by an hour, half an hour or two, in summer or winter, at midnight or not, and one for Ramadan. */
const zones = [
  "Africa/Cairo",
  "Africa/Casablanca",
  "America/Havana",
  "America/New_York",
  "America/Nuuk",
  "America/Santiago",
  "America/St_Johns",
  "Antarctica/Troll",
  "Asia/Gaza",
  "Australia/Lord_Howe",
  "Europe/Berlin",
  "Europe/Dublin",
  "Pacific/Auckland",
  "Pacific/Chatham",
];

const year = 2025;

const everyDay = [0, 1, 2, 3, 4, 5, 6];
const workdays = [0, 1, 2, 3, 4];

/** As the other calculation reads them: days from Monday, 0. */
const schedules = [
  { machines: 1, days: workdays, hours: [8], minute: 0, durationMinutes: 540, leadMinutes: 10 },
  { machines: 2, days: everyDay, hours: [0], minute: 0, durationMinutes: 1440 },
  { machines: 4, days: everyDay, hours: [0], minute: 30, durationMinutes: 60 },
  { machines: 8, days: [6], hours: [1, 2, 3], minute: 0, durationMinutes: 30, leadMinutes: 5 },
  { machines: 16, days: everyDay, hours: [2], minute: 30, durationMinutes: 75 },
  { machines: 32, days: [5, 6], hours: [23], minute: 45, durationMinutes: 180, from: `${year}-03-01` },
  {
    machines: 64,
    days: everyDay,
    hours: [1],
    minute: 45,
    durationMinutes: 120,
    until: `${year}-10-26`,
    except: [`${year}-03-30`, `${year}-04-06`],
  },
];

function toSchedule(given: (typeof schedules)[number], timeZone: string): Schedule {
  const { machines, days, hours, minute, ...rest } = given;
  const cron = `${minute} ${hours.join(",")} * * ${days.map((day) => (day + 1) % 7).join(",")}`;
  return { name: cron, cluster: "cluster1", flavor: "standard", machines, cron, timeZone, ...rest };
}

function hasPython(): boolean {
  try {
    execFileSync("python3", ["-c", "import zoneinfo; zoneinfo.ZoneInfo('Europe/Berlin')"]);
    return true;
  } catch {
    return false;
  }
}

test("a year, half hour by half hour, is as another language's library has it, in every time zone", (context) => {
  if (!hasPython()) return context.skip("python3 with zoneinfo is not there");
  const calculated = JSON.parse(
    execFileSync("python3", [join(import.meta.dirname, "machines_of_a_year.py")], {
      input: JSON.stringify({ year, zones, schedules }),
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    }),
  ) as Record<string, number[]>;
  const groups = [{ cluster: "cluster1", flavor: "standard", image: "default", id: "group" }];
  const begin = Date.UTC(year);
  for (const zone of zones) {
    const kept = schedules.map((given, index) => {
      const schedule = toSchedule(given, zone);
      expect(scheduleProblems(schedule)).toEqual([]);
      return { id: `${index}`, version: 1, schedule, source: "api", created: index } as const;
    });
    const machines = (step: number) => {
      const instant = begin + step * 30 * 60_000;
      // Whether a start was missed is for other tests: here somebody looks at every half hour.
      const looked = kept.map((one) => {
        const begun = standingAt(one.schedule, instant).current?.start;
        return { ...one, ...(begun !== undefined && { begun }) };
      });
      return planAt(looked, groups, 1000, instant).sizes.get("group");
    };
    const expected = calculated[zone] ?? [];
    expect(expected.length).toBe(365 * 48);
    const wrong = expected.flatMap((count, step) => {
      const found = machines(step);
      return found === count
        ? []
        : [`${new Date(begin + step * 1_800_000).toISOString()}: ${found}, not ${count}`];
    });
    expect(wrong, zone).toEqual([]);
  }
}, 120_000);
