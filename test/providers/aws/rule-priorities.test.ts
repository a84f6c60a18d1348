import { expect, test } from "vitest";
import { prioritiesOf } from "../../../providers/aws/rule-priorities.ts";
import { randomFrom } from "../../support/random.ts";

test("a path has the same priority whatever other paths there are", () => {
  const all = ["/cluster1", "/cluster2", "/api", "/api/v1", "/api/v1/users", "/static"];
  const together = prioritiesOf(all);
  for (const path of all) expect(prioritiesOf([path]).get(path), path).toBe(together.get(path));
  expect([...prioritiesOf(all.toReversed())].sort()).toEqual([...together].sort());
});

test("a path comes before those that it is below, and numbered ones in their order", () => {
  const priority = prioritiesOf(["/a", "/a/b", "/a/b/c", "/cluster1", "/cluster2", "/cluster10"]);
  const order = [...priority].sort(([, one], [, other]) => one - other).map(([path]) => path);
  expect(order.indexOf("/a/b/c")).toBeLessThan(order.indexOf("/a/b"));
  expect(order.indexOf("/a/b")).toBeLessThan(order.indexOf("/a"));
  const numbered = order.filter((path) => path.startsWith("/cluster"));
  expect(numbered).toEqual(["/cluster1", "/cluster2", "/cluster10"]);
});

test("100 paths have priorities of their own, from 1 to 50,000, however they come and go", () => {
  const random = randomFrom(7);
  const word = () => Math.floor(random() * 1e6).toString(36);
  let meetings = 0;
  for (let round = 0; round < 50; round += 1) {
    const paths = [...new Set(Array.from({ length: 100 }, () => `/${word()}`))];
    const before = prioritiesOf(paths);
    expect(new Set(before.values()).size).toBe(paths.length);
    for (const priority of before.values()) {
      expect(priority).toBeGreaterThanOrEqual(1);
      expect(priority).toBeLessThanOrEqual(50_000);
    }
    // Whoever stays and moves, because another goes, moves to where nobody was.
    const after = prioritiesOf(paths.slice(1));
    const taken = new Map([...before].map(([path, priority]) => [priority, path]));
    for (const [path, priority] of after) {
      if (before.get(path) !== priority) meetings += 1;
      expect([undefined, path]).toContain(taken.get(priority));
    }
  }
  expect(meetings).toBeGreaterThan(0);
});
