import { describe, expect, test } from "vitest";
import { mostAtOnce } from "../../../service/schedules/most.ts";
import { occurrencesAfter } from "../../../service/schedules/occurrences.ts";
import type { Occurrence, Schedule, Timing } from "../../../service/schedules/schedule.ts";
import { demandAt, type KeptSchedule, planAt } from "../../../service/schedules/sizes.ts";
import { scheduleProblems } from "../../../service/schedules/validate.ts";

const wish = { name: "lunch", cluster: "cluster1", machines: 2, flavor: "standard" };
const noon = { ...wish, start: "2026-03-02T12:00:00Z", end: "2026-03-02T13:00:00Z" };
const workdays = { ...wish, cron: "0 8 * * 1-5", durationMinutes: 60, timeZone: "Europe/Berlin" };
const at = (text: string) => Date.parse(text);

function take(timing: Timing, after: string, count: number): string[] {
  const found: Occurrence[] = [];
  for (const occurrence of occurrencesAfter(timing, at(after))) {
    found.push(occurrence);
    if (found.length === count) break;
  }
  return found.map(({ start }) => new Date(start).toISOString());
}

function keep(schedule: Schedule, more: Partial<KeptSchedule> = {}): KeptSchedule {
  return { id: "1", version: 1, schedule, source: "api", created: 0, ...more };
}

describe("a schedule", () => {
  test("is taken when it is right", () => {
    const { end: _, ...open } = noon;
    for (const right of [noon, open, workdays, { ...workdays, from: "2026-01-01", until: "2026-12-31" }])
      expect(scheduleProblems(right)).toEqual([]);
  });

  const problems: [string, unknown, string][] = [
    ["no object", [], "a schedule is []; it must be an object"],
    ["a name with a line break", { ...noon, name: "a\nb" }, 'name is "a\\nb"; it must be 1 to 80 printable'],
    ["no machines", { ...noon, machines: 0 }, "machines is 0; it must be a whole number from 1 to 1000"],
    ["no cluster", { ...noon, cluster: undefined }, "cluster is not there; it must be the name of a cluster"],
    ["an unknown key", { ...noon, cluter: "a" }, '"cluter" is no key of a schedule; it has name, cluster'],
    ["no time", wish, "it does not say when; give start (and end), or cron"],
    ["both kinds of time", { ...noon, ...workdays }, "it must be one period (start, end) or recurring"],
    [
      "a start without its offset",
      { ...noon, start: "2026-03-02T12:00:00" },
      "a date and time with its offset",
    ],
    [
      "a day that does not exist",
      { ...noon, start: "2026-02-30T12:00:00Z" },
      "a date and time with its offset",
    ],
    [
      "an end before five minutes",
      { ...noon, end: "2026-03-02T12:04:00Z" },
      "at least 5 minutes after the start",
    ],
    ["a cron of six fields", { ...workdays, cron: "0 0 8 * * 1" }, "it must be five fields: minute, hour"],
    ["a cron of an hour 25", { ...workdays, cron: "0 25 * * *" }, "(Invalid value for hour: 25)"],
    ["a cron of no day", { ...workdays, cron: "0 8 30 2 *" }, 'cron is "0 8 30 2 *"; there is no such day'],
    ["no time zone", { ...workdays, timeZone: undefined }, "timeZone is not there; it must be the IANA name"],
    [
      "an offset as time zone",
      { ...workdays, timeZone: "+01:00" },
      'timeZone is "+01:00"; it must be the IANA',
    ],
    [
      "periods over one another",
      { ...workdays, durationMinutes: 1500 },
      "it must be at most 1440, because '0 8 * * 1-5' begins again",
    ],
    [
      "an end before its start",
      { ...workdays, from: "2026-02-01", until: "2026-01-01" },
      'until is "2026-01-01"; it must not be before from',
    ],
    [
      "no day left",
      { ...workdays, from: "2026-11-28", until: "2026-11-29" },
      "leave no day on which it begins",
    ],
    ["days that are none", { ...workdays, except: ["25.12.2026"] }, "a list of at most 400 days"],
  ];
  test.each(problems)("with %s is refused, with what it may be", (_, schedule, message) => {
    expect(scheduleProblems(schedule).join("\n")).toContain(message);
  });

  test("says all that is wrong at once", () => {
    expect(scheduleProblems({ ...workdays, machines: 0.5, timeZone: "Mars/Base" })).toHaveLength(2);
  });
});

describe("a period begins", () => {
  const daily = (cron: string, timeZone: string) => ({ ...workdays, cron, timeZone });

  test("at the first instant after a local time that does not exist", () => {
    expect(take(daily("30 2 * * *", "Europe/Berlin"), "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  test("at the first of a local time that exists twice", () => {
    expect(take(daily("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00:00Z", 2)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  test("once where two local times are the same instant", () => {
    expect(
      take({ ...daily("0 2,3 * * *", "Europe/Berlin"), durationMinutes: 30 }, "2026-03-29T00:00:00Z", 2),
    ).toEqual(["2026-03-29T01:00:00.000Z", "2026-03-30T00:00:00.000Z"]);
  });

  test("never on a day that is left out, before the first or after the last", () => {
    const timing = {
      ...daily("0 8 * * *", "UTC"),
      from: "2026-01-02",
      until: "2026-01-04",
      except: ["2026-01-03"],
    };
    expect(take(timing, "2025-01-01T00:00:00Z", 9)).toEqual([
      "2026-01-02T08:00:00.000Z",
      "2026-01-04T08:00:00.000Z",
    ]);
  });

  test("on its day where that is another day in UTC", () => {
    expect(take({ ...daily("0 8 * * 1", "Pacific/Auckland") }, "2026-06-01T00:00:00Z", 1)).toEqual([
      "2026-06-07T20:00:00.000Z",
    ]);
  });
});

describe("what is asked for", () => {
  const stateAt = (kept: KeptSchedule, time: string) => {
    const { state, wanted } = demandAt(kept, at(`2026-03-02T${time}Z`));
    return `${state} ${wanted}`;
  };

  test("is there from the lead before the start to the end", () => {
    const kept = keep({ ...noon, leadMinutes: 10 });
    expect(
      ["11:49:59.999", "11:50:00", "12:59:00", "13:00:00"].map((time) =>
        stateAt({ ...kept, begun: at(noon.start) }, time),
      ),
    ).toEqual(["waiting 0", "active 2", "active 2", "over 0"]);
    expect(demandAt(kept, at("2026-03-02T11:00:00Z")).edge).toBe(at("2026-03-02T11:50:00Z"));
    expect(demandAt(kept, at("2026-03-02T12:00:00Z")).edge).toBe(at(noon.end));
  });

  test("is made up for while five minutes are left, and not after that", () => {
    expect(stateAt(keep(noon), "12:55:00")).toBe("active 2");
    expect(stateAt(keep(noon), "12:55:00.001")).toBe("missed 0");
    expect(stateAt(keep(noon, { begun: at(noon.start) }), "12:59:59")).toBe("active 2");
    expect(stateAt(keep(noon, { begun: at("2026-03-01T12:00:00Z") }), "12:59:59")).toBe("missed 0");
  });

  test("is no missed start where the period is short and the start on time", () => {
    const short = keep({ ...noon, end: "2026-03-02T12:05:00Z" });
    expect(stateAt(short, "12:00:30")).toBe("active 2");
    expect(stateAt(short, "12:01:01")).toBe("missed 0");
  });

  test("goes on for ever without an end", () => {
    const { end: _, ...open } = noon;
    const { state, edge } = demandAt(keep(open), at("2030-01-01T00:00:00Z"));
    expect([state, edge]).toEqual(["active", Number.POSITIVE_INFINITY]);
  });

  test("ends with the period that a deleted schedule may finish", () => {
    const kept = keep(workdays, { begun: at("2026-03-02T07:00:00Z"), deleteAt: at("2026-03-02T08:00:00Z") });
    expect(stateAt(kept, "07:30:00")).toBe("ending 2");
    expect(demandAt(kept, at("2026-03-02T07:30:00Z"))).not.toHaveProperty("next");
    expect(stateAt(kept, "08:00:00")).toBe("over 0");
    expect(demandAt(kept, at("2026-03-03T07:30:00Z")).wanted).toBe(0);
  });
});

describe("sizes", () => {
  const groups = ["standard", "large"].map((flavor) => ({
    cluster: "cluster1",
    flavor,
    image: "default",
    id: `g-${flavor}`,
  }));
  const during = at("2026-03-02T12:30:00Z");

  test("add up, in each group, and are 0 where nothing is asked for", () => {
    const schedules = [keep(noon), keep({ ...noon, machines: 3 }, { id: "2" })];
    expect([...planAt(schedules, groups, 10, during).sizes]).toEqual([
      ["g-standard", 5],
      ["g-large", 0],
    ]);
    expect([...planAt(schedules, groups, 10, at(noon.end)).sizes]).toEqual([
      ["g-standard", 0],
      ["g-large", 0],
    ]);
  });

  test("are never more than there may be: the stack's come first, then the older", () => {
    const schedules = [
      keep({ ...noon, machines: 3 }, { id: "young", created: 2 }),
      keep({ ...noon, flavor: "large", machines: 3 }, { id: "old", created: 1 }),
      keep(noon, { id: "stack", source: "stack", created: 0 }),
    ];
    const { sizes, shares } = planAt(schedules, groups, 4, during);
    expect([...sizes]).toEqual([
      ["g-standard", 2],
      ["g-large", 2],
    ]);
    expect(shares.map(({ kept, granted }) => `${kept.id} ${granted}`)).toEqual([
      "stack 2",
      "old 2",
      "young 0",
    ]);
  });

  test("of a schedule whose group is no more are none, and the schedule says so", () => {
    const { sizes, shares } = planAt([keep({ ...noon, flavor: "huge" })], groups, 4, during);
    expect([...sizes.values()]).toEqual([0, 0]);
    expect(shares[0]).toMatchObject({ wanted: 2, granted: 0 });
    expect(shares[0]).not.toHaveProperty("group");
  });

  test("change next at the nearest edge", () => {
    const schedules = [keep(workdays), keep(noon, { id: "2" })];
    expect(planAt(schedules, groups, 4, at("2026-03-02T10:00:00Z")).edge).toBe(at(noon.start));
  });
});

describe("the most at once", () => {
  const instant = at("2026-03-01T00:00:00Z");

  test("is what overlaps with the new one, and not what does without it", async () => {
    const others = [
      { ...noon, machines: 3 },
      { ...noon, machines: 9, start: "2026-03-03T12:00:00Z", end: "2026-03-03T13:00:00Z" },
    ];
    expect(
      await mostAtOnce(
        { ...noon, start: "2026-03-02T12:30:00Z", end: "2026-03-02T14:00:00Z" },
        others,
        instant,
      ),
    ).toEqual({
      machines: 5,
      at: at("2026-03-02T12:30:00Z"),
    });
  });

  test("is not more where one ends as the other is asked for", async () => {
    const later = { ...noon, start: "2026-03-02T13:10:00Z", end: "2026-03-02T14:00:00Z" };
    expect((await mostAtOnce({ ...later, leadMinutes: 10 }, [noon], instant)).machines).toBe(2);
    expect((await mostAtOnce({ ...later, leadMinutes: 11 }, [noon], instant)).machines).toBe(4);
  });

  test("of a recurring one is found weeks ahead", async () => {
    const far = { ...noon, start: "2026-03-27T07:30:00Z", end: "2026-03-27T08:30:00Z" };
    expect(await mostAtOnce(workdays, [far], instant)).toEqual({
      machines: 4,
      at: at("2026-03-27T07:30:00Z"),
    });
  });
});
