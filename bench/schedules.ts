import { openDocument } from "../service/controller/document.ts";
import { Loop } from "../service/controller/loop.ts";
import { mostAtOnce } from "../service/schedules/most.ts";
import type { KeptSchedule } from "../service/schedules/sizes.ts";
import { fakeCompute, groups } from "../test/service/controller/fakes.ts";
import { memoryStore } from "../test/support/memory-store.ts";
import { randomFrom } from "../test/support/random.ts";
import { median, type Row } from "./table.ts";

const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"];

/** Recurring schedules, no two of which have the same times. */
function makeSchedules(count: number): KeptSchedule[] {
  const random = randomFrom(1);
  const below = (limit: number) => Math.floor(random() * limit);
  return Array.from({ length: count }, (_, index) => ({
    id: `s-${index}`,
    version: 1,
    source: "api",
    created: index,
    schedule: {
      name: `schedule ${index}`,
      cluster: "cluster1",
      machines: 1 + below(3),
      flavor: index % 2 ? "standard" : "large",
      cron: `${below(60)} ${below(24)} * * ${below(7)}`,
      durationMinutes: 30 + index,
      timeZone: `${zones[index % zones.length]}`,
      leadMinutes: below(10),
    },
  }));
}

/** How much of a processor's time something takes, in seconds: whatever else runs on this machine. */
async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** What a look at many schedules takes, without the time that store and cloud take to answer. */
export async function benchSchedules(): Promise<Row[]> {
  const count = 1000;
  const schedules = makeSchedules(count);
  const { signal } = new AbortController();
  const store = memoryStore();
  await openDocument(store).change((content) => ({ content: { ...content, schedules }, result: 0 }), signal);
  let now = Date.UTC(2026, 2, 2, 12);
  const loop = new Loop({
    document: openDocument(store),
    compute: fakeCompute(),
    groups,
    maxMachines: 100,
    schedules: [],
    machine: "bench",
    log: { info: () => {}, error: () => {} },
    now: () => now,
  });
  const first = await processorTime(() => loop.pass());
  const later: number[] = [];
  for (let pass = 0; pass < 200; pass += 1) {
    now += 30_000;
    later.push(await processorTime(() => loop.pass()));
  }
  const [added, ...others] = schedules.map(({ schedule }) => schedule);
  const check = async () => added && mostAtOnce(added, others, now);
  const [firstCheck, laterCheck] = [await processorTime(check), await processorTime(check)];
  const slow = later.toSorted((one, other) => one - other)[Math.floor(later.length * 0.99)] ?? Number.NaN;
  const ms = (value: number) => `${(value * 1000).toFixed(1)} ms`;
  return [
    { what: `processor time of a controller's first look at ${count} schedules`, value: ms(first) },
    { what: "later looks: the median", value: ms(median(later)), goal: "100 ms" },
    { what: "later looks: 1 in 100 takes longer", value: ms(slow), goal: "100 ms" },
    { what: "the first check of maxMachines in an hour, among them", value: ms(firstCheck) },
    { what: "later checks", value: ms(laterCheck) },
  ];
}
