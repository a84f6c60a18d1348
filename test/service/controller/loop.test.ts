import { expect, onTestFinished, test } from "vitest";
import { emptyContent } from "../../../service/controller/content.ts";
import { openDocument } from "../../../service/controller/document.ts";
import { Loop, type LoopOptions } from "../../../service/controller/loop.ts";
import type { KeptSchedule } from "../../../service/schedules/sizes.ts";
import { StoreError } from "../../../service/storage/store.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { randomFrom } from "../../support/random.ts";
import { at, fakeCompute, groups, kept, noon } from "./fakes.ts";

const { signal } = new AbortController();

/** A cloud and a store with schedules, and controllers that look when they are told to. */
async function setUp(schedules: readonly KeptSchedule[] = [kept()], options: Partial<LoopOptions> = {}) {
  const store = memoryStore();
  const compute = fakeCompute();
  const clock = { now: at("11:00:00") };
  const document = openDocument(store);
  await document.change((content) => ({ content: { ...content, schedules }, result: 0 }), signal);
  const controller = (machine = "m-1") =>
    new Loop({
      document: openDocument(store),
      compute,
      groups,
      maxMachines: 10,
      schedules: [],
      machine,
      log: { info: () => {}, error: () => {} },
      now: () => clock.now,
      ...options,
    });
  const content = () => document.read(signal);
  const told = async () => (await content()).events.map(({ what }) => what);
  const passAt = (loop: Loop, time: string) => {
    clock.now = at(time);
    return loop.pass();
  };
  return { store, compute, clock, controller, content, told, passAt };
}

test("asks for machines at the start, and for none at the end, each once", async () => {
  const { compute, controller, told, passAt, content } = await setUp();
  const loop = controller();
  for (const time of ["11:59:59", "12:00:00", "12:00:30", "12:59:59", "13:00:00", "13:00:30"])
    await passAt(loop, time);
  expect(compute.calls).toEqual(["peak-standard 2", "peak-standard 0"]);
  expect(await told()).toEqual(["begun", "resized", "ended", "resized"]);
  expect((await content()).events[1]).toEqual({
    at: "2026-03-02T12:00:00.000Z",
    what: "resized",
    who: "controller m-1",
    group: "peak-standard",
    message: "peak-standard from 0 to 2 machines",
  });
});

test("puts right what somebody else did to a group", async () => {
  const { compute, controller, passAt } = await setUp();
  const loop = controller();
  await passAt(loop, "12:00:00");
  compute.sizes.set("peak-large", 3);
  await passAt(loop, "12:00:30");
  expect(Object.fromEntries(compute.sizes)).toEqual({ "peak-standard": 2, "peak-large": 0 });
});

test("does nothing until it has read the schedules, and goes on by what it knows while it cannot", async () => {
  const { store, compute, controller, passAt, told } = await setUp();
  compute.sizes.set("peak-standard", 2);
  store.fault = new StoreError("unavailable", "down");
  const loop = controller();
  await passAt(loop, "12:30:00");
  expect(compute.calls).toEqual([]);
  store.fault = undefined;
  await passAt(loop, "12:30:30");
  store.fault = new StoreError("unavailable", "down");
  await passAt(loop, "13:00:00");
  expect(compute.calls).toEqual(["peak-standard 0"]);
  store.fault = undefined;
  await passAt(loop, "13:00:30");
  expect(await told()).toEqual(["begun", "ended", "resized"]);
});

test("says why the cloud refuses, tries again later, and says when it has worked", async () => {
  const { compute, controller, passAt, content, told } = await setUp();
  const loop = controller();
  compute.refusal = "Quota exceeded for instances";
  await passAt(loop, "12:00:00");
  await passAt(loop, "12:00:01");
  expect(compute.calls).toHaveLength(1);
  expect(loop.groups[0]).toMatchObject({
    wanted: 2,
    size: 0,
    running: 0,
    problem: "Quota exceeded for instances",
  });
  await passAt(loop, "12:00:16");
  expect(compute.calls).toHaveLength(2);
  expect((await content()).events.at(-1)?.message).toBe(
    "peak-standard does not get to 2 machines: Quota exceeded for instances",
  );
  compute.refusal = undefined;
  await passAt(loop, "12:10:00");
  await passAt(loop, "12:10:30");
  expect(await told()).toEqual(["begun", "failed", "resized", "recovered"]);
  expect(loop.groups[0]).not.toHaveProperty("problem");
});

test("keeps the machines that came when there is room for no more, and asks for the rest again", async () => {
  const { compute, controller, passAt, told } = await setUp();
  const loop = controller();
  compute.capacity = 1;
  await passAt(loop, "12:00:00");
  await passAt(loop, "12:00:30");
  await passAt(loop, "12:02:00");
  expect(compute.calls).toEqual(["peak-standard 2", "peak-standard 2", "peak-standard 2"]);
  expect(loop.groups[0]).toMatchObject({ size: 2, running: 1, problem: "no more hosts of this flavor" });
  compute.capacity = 9;
  await passAt(loop, "12:10:00");
  expect(await told()).toEqual(["begun", "resized", "failed", "recovered"]);
});

test("tells what a cloud's client did by itself, and looks again when that has more to do", async () => {
  const { compute, controller, told, content } = await setUp();
  let rounds = 0;
  compute.tend = async () => {
    rounds += 1;
    return rounds === 1 ? { done: ["web-0 is rebooted: its health check fails"], again: 0 } : { done: [] };
  };
  const loop = controller();
  await loop.wake();
  await expect.poll(() => rounds, { timeout: 10_000 }).toBe(2);
  await loop.close();
  expect(await told()).toEqual(["healed"]);
  expect((await content()).events[0]?.message).toBe("web-0 is rebooted: its health check fails");
});

test("a cloud that does not answer is no reason to ask it for another size", async () => {
  const { compute, controller, passAt } = await setUp();
  const loop = controller();
  compute.silence = "connect ECONNREFUSED";
  await passAt(loop, "12:00:00");
  expect(loop.groups[0]).toMatchObject({ wanted: 2, problem: "connect ECONNREFUSED" });
  compute.silence = undefined;
  await passAt(loop, "12:00:30");
  expect(compute.sizes.get("peak-standard")).toBe(2);
});

test("a controller that was dead makes up for a start, and tells of one that it missed, once", async () => {
  const { compute, controller, passAt, told, content } = await setUp([
    kept(),
    kept(
      { id: "s-2" },
      { name: "late", flavor: "large", start: "2026-03-02T12:30:00Z", end: "2026-03-02T12:40:00Z" },
    ),
  ]);
  const loop = controller();
  await passAt(loop, "12:36:00");
  await passAt(loop, "12:36:30");
  expect(compute.calls).toEqual(["peak-standard 2"]);
  expect((await told()).sort()).toEqual(["begun", "missed", "resized"]);
  expect((await content()).events.find(({ what }) => what === "begun")?.message).toBe(
    "'lunch' asks for 2 machines, 36 minutes late",
  );
});

test("one that began stays to its end, whichever controller looks", async () => {
  const { compute, controller, passAt } = await setUp();
  await passAt(controller("m-1"), "12:00:00");
  await passAt(controller("m-2"), "12:59:00");
  expect(compute.calls).toEqual(["peak-standard 2"]);
  await passAt(controller("m-3"), "13:00:00");
  expect(compute.sizes.get("peak-standard")).toBe(0);
});

test("removes a schedule that was deleted when its last period has ended", async () => {
  const { controller, passAt, content } = await setUp([
    kept({ deleteAt: at("13:00:00"), begun: at("12:00:00") }),
  ]);
  const loop = controller();
  await passAt(loop, "12:30:00");
  expect((await content()).schedules).toHaveLength(1);
  await passAt(loop, "13:00:00");
  expect((await content()).schedules).toEqual([]);
  await passAt(loop, "13:00:30");
  expect((await content()).events.map(({ what }) => what)).toEqual([
    "resized",
    "ended",
    "deleted",
    "resized",
  ]);
});

test("those of the stack are there without anybody's having made them, and begin like the others", async () => {
  const { controller, passAt, content, compute } = await setUp([], { schedules: [noon] });
  await passAt(controller(), "12:00:00");
  expect(compute.sizes.get("peak-standard")).toBe(2);
  await passAt(controller(), "12:58:00");
  expect(compute.sizes.get("peak-standard")).toBe(2);
  expect((await content()).begun).toEqual({ "stack-f3bb79e48a7a": at("12:00:00") });
});

test("asks for no more machines than there may be, and says so once", async () => {
  const { controller, passAt, compute, content } = await setUp([
    kept(),
    kept({ id: "s-2", created: 2 }, { name: "more", machines: 9 }),
  ]);
  const loop = controller();
  await passAt(loop, "12:00:00");
  await passAt(loop, "12:00:30");
  expect(compute.calls).toEqual(["peak-standard 10"]);
  expect(
    (await content()).events.filter(({ what }) => what === "cut short").map(({ message }) => message),
  ).toEqual(["'more' gets 8 of 9 machines: there may be no more in all (maxMachines)"]);
});

test("two controllers that look at the same time, and are killed at any, come to what the schedules say", async () => {
  const random = randomFrom(20260302);
  const schedules = Array.from({ length: 6 }, (_, index) => {
    const start = at("08:00:00") + Math.floor(random() * 600) * 60_000;
    const end = start + (6 + Math.floor(random() * 120)) * 60_000;
    const flavor = index % 2 ? "standard" : "large";
    const times = { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
    return kept({ id: `s-${index}`, created: index }, { ...times, flavor, name: `${index}`, machines: 1 });
  });
  const { controller, clock, compute, content } = await setUp(schedules);
  let controllers = [controller("a"), controller("b")];
  for (clock.now = at("08:00:00"); clock.now < at("20:00:00"); clock.now += Math.floor(random() * 90_000)) {
    if (random() < 0.1) controllers = [controller("c"), controller("d")];
    await Promise.all(controllers.map((loop) => loop.pass()));
    const asked = schedules.filter(
      ({ schedule }) =>
        "start" in schedule &&
        Date.parse(schedule.start) <= clock.now &&
        clock.now < Date.parse(`${schedule.end}`),
    );
    for (const { id, flavor } of groups)
      expect(compute.sizes.get(id)).toBe(asked.filter(({ schedule }) => schedule.flavor === flavor).length);
  }
  const begun = (await content()).events.filter(({ what }) => what === "begun");
  expect(begun.map(({ schedule }) => schedule?.id).sort()).toEqual(schedules.map(({ id }) => id));
});

test("looks by itself at an edge, and at once when it is woken", async () => {
  const start = new Date(Date.now() + 300);
  const { store, compute, controller } = await setUp(
    [kept({}, { start: start.toISOString(), end: new Date(start.getTime() + 3_600_000).toISOString() })],
    { now: Date.now },
  );
  const loop = controller();
  onTestFinished(() => loop.close());
  const asked = new Promise<number>((resolve) => {
    compute.onResize = () => resolve(Date.now());
  });
  await loop.wake();
  expect(await asked).toBeGreaterThanOrEqual(start.getTime());
  await openDocument(store).change(
    (content) => ({ content: { ...emptyContent, changes: content.changes }, result: 0 }),
    signal,
  );
  await loop.wake();
  expect(compute.sizes.get("peak-standard")).toBe(0);
});
