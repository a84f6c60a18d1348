import { pino } from "pino";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type Look, sizeFor, usualPace } from "../../../providers/local/cloud/autoscaler.ts";
import { ControlPlane } from "../../../providers/local/cloud/control-plane.ts";
import { groupSpec, TestCloud } from "../../support/local-cloud.ts";
import { randomFrom } from "../../support/random.ts";

vi.setConfig({ testTimeout: 200_000 });

const limits = { min: 1, max: 8, target: 50 };

/**
 * A group whose machines use, all together, what `load` says, in percent of one processor.
 * @returns its size after each look, by the second
 */
function follow(load: (second: number) => number, seconds: number, start = 1): Map<number, number> {
  let looks: Look[] = [];
  let size = start;
  const sizes = new Map<number, number>();
  for (let second = 0; second <= seconds; second += usualPace.everyMs / 1000) {
    looks.push({ at: second * 1000, usage: load(second) });
    const next = sizeFor(looks, { size, ...limits }, usualPace);
    if (next !== undefined) {
      size = next;
      looks = [];
    }
    sizes.set(second, size);
  }
  return sizes;
}

const changes = (sizes: Map<number, number>) => new Set(sizes.values()).size - 1;

describe("the size of a group that follows its load", () => {
  test("grows within 20 s of the load, to what it needs at once, and shrinks within 65 s", () => {
    const sizes = follow((second) => (second >= 100 && second < 200 ? 290 : 40), 400);
    expect([...sizes.values()].slice(0, 20)).toEqual(Array(20).fill(1));
    expect([sizes.get(110), sizes.get(120), sizes.get(199)]).toEqual([1, 6, undefined]);
    expect([sizes.get(195), sizes.get(255), sizes.get(265)]).toEqual([6, 6, 1]);
  });

  test("keeps to its limits", () => {
    expect(follow(() => 5000, 60).get(60)).toBe(limits.max);
    expect(follow(() => 0, 120, 4).get(120)).toBe(limits.min);
  });

  test("does not follow a peak of a moment, nor a pause", () => {
    expect(changes(follow((second) => (second === 100 ? 800 : 40), 300))).toBe(0);
    expect(changes(follow((second) => (second % 60 < 30 ? 0 : 190), 600, 4))).toBe(0);
  });

  test.each([1, 2, 3, 4, 5])("does not go to and fro where the load is at the edge (seed %i)", (seed) => {
    const random = randomFrom(seed);
    for (const edge of [50, 100, 150, 205, 250]) {
      const sizes = follow(() => edge * (0.95 + random() * 0.1), 3600);
      expect(changes(sizes), `${edge} %`).toBeLessThanOrEqual(2);
      const last = [...sizes.values()].slice(-600);
      expect(new Set(last).size, `${edge} %`).toBe(1);
    }
  });
});

test("machines that are busy get others beside them, which go again; a deployment leaves the number alone", async () => {
  const cloud = TestCloud.create();
  const lines: string[] = [];
  const plane = await ControlPlane.start({
    home: cloud.home,
    version: "test",
    log: pino({}, { write: (line) => void lines.push(line) }),
    pace: { everyMs: 200, growMs: 1_000, shrinkMs: 3_000, warmUpMs: 500 },
    onStopped: () => {},
  });
  onTestFinished(() => plane.stop("the test is over"));
  const { desired: _, ...others } = await groupSpec({ min: 1, max: 3 });
  const spec = { ...others, scale: { cpu: 10 } };
  await plane.put("groups", cloud.group, spec);
  const running = () => plane.machines().filter(({ state }) => state === "running");
  // Of each 100 ms; a busy host gives them less.
  const keepBusy = (ms: number) =>
    Promise.all(running().map(({ address, port }) => fetch(`http://${address}:${port}/busy/${ms}`)));
  const reaches = (count: number, busyMs: number) =>
    vi.waitFor(
      async () => {
        await keepBusy(busyMs);
        expect(running(), lines.slice(-3).join("")).toHaveLength(count);
      },
      { timeout: 60_000, interval: 100 },
    );
  await reaches(1, 0);
  await reaches(3, 90);
  await plane.put("groups", cloud.group, { ...spec, release: "b".repeat(64) });
  expect(plane.groups.status(cloud.group)).toMatchObject({ desired: 3 });
  await reaches(1, 0);
});
