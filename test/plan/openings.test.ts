import { expect, test, vi } from "vitest";
import { routesOf } from "../../components/load-balancer.ts";
import { internetOpenings } from "../../plan/openings.ts";
import type { Plan, PlannedResource } from "../../plan/plan.ts";
import { clouds } from "../../providers/index.ts";
import { planExample, planStack } from "../support/plan.ts";

vi.setConfig({ testTimeout: 60_000 });

test("a stack on AWS opens what its configuration says, and to whom", async () => {
  const { document } = await planExample("aws-two-clusters");
  const found = await internetOpenings(document, clouds);
  const everybody = (name: string, port: number) => ({
    name: `${name}-${port}-from-0.0.0.0/0`,
    port: `tcp ${port}`,
    from: "0.0.0.0/0",
  });
  expect(found).toEqual([
    everybody("edge", 80),
    everybody("app", 22),
    everybody("app", 443),
    everybody("app", 80),
  ]);
});

test("a stack on Google Cloud opens what its configuration says, by firewall rules and Cloud Armor", async () => {
  const { document } = await planExample("gcp-lab");
  const found = await internetOpenings(document, clouds);
  expect(found).toContainEqual({
    name: expect.stringContaining("5000"),
    port: "tcp 5000",
    from: "0.0.0.0/0",
  });
  const guarded = await planStack("gcp", { loadBalancer: { port: 80, allow: ["203.0.113.7/32"] } });
  expect(await internetOpenings(guarded.document, clouds)).toEqual([
    { name: "edge", port: "the load balancer's ports", from: "203.0.113.7/32" },
  ]);
  const open = await planStack("gcp", { loadBalancer: { port: 80, allow: ["0.0.0.0/0"] } });
  expect(await internetOpenings(open.document, clouds)).toEqual([
    { name: "app", port: "the load balancer's ports", from: "0.0.0.0/0" },
  ]);
});

test("what is open to private ranges is not open to the internet", async () => {
  const loadBalancer = { port: 80, allow: ["10.1.0.0/16", "100.64.0.0/10", "203.0.113.7/32"] };
  const { document } = await planStack("aws", { loadBalancer, access: undefined });
  expect((await internetOpenings(document, clouds))?.map(({ from }) => from)).toEqual(["203.0.113.7/32"]);
});

test("a stack on this machine opens nothing, and a plan of another program says nothing", async () => {
  const { document } = await planStack("local", { "loadBalancer.allow": undefined });
  expect(await internetOpenings(document, clouds)).toEqual([]);
  const newState: PlannedResource = {
    urn: "urn:pulumi:dev::lab::pulumi:pulumi:Stack::lab-dev",
    custom: false,
    type: "pulumi:pulumi:Stack",
    outputs: { cloud: "toString" },
  };
  const steps = [{ op: "create" as const, urn: newState.urn, newState }];
  const other: Plan = { config: {}, steps, diagnostics: [], changeSummary: {} };
  expect(await internetOpenings(other, clouds)).toBeUndefined();
});

test("routes are in order, and weights count where there are several", () => {
  const one = { name: "one", path: "/one", weight: 1 };
  expect(routesOf([one])).toEqual(["/one → one", "everything else → one"]);
  expect(routesOf([one, { name: "two", weight: 3 }])).toEqual([
    "/one → one",
    "everything else → one (weight 1), two (weight 3)",
  ]);
  expect(routesOf([{ ...one, weight: 0 }])).toEqual(["/one → one", "everything else → 404"]);
});
