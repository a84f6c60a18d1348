// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { graphOf } from "../../plan/graph/model.ts";
import { planStack, type StackPlan } from "../support/plan.ts";

describe("a stack with a controller", { timeout: 120_000 }, () => {
  let plan: StackPlan;
  const schedules = [
    { name: "always", cluster: "cluster1", machines: 1, flavor: "standard", start: "2026-11-27T08:00:00Z" },
  ];

  beforeAll(async () => {
    plan = await planStack("local", { controller: { maxMachines: 3, schedules } });
  });

  it("has an empty group of each flavor beside each cluster, whose size is left alone", () => {
    for (const cluster of ["cluster1", "cluster2"]) {
      const own = plan.get(`MachineGroup::${cluster}`).inputs;
      for (const [flavor, machineType] of Object.entries({ standard: "local.small", large: "local.large" })) {
        const { inputs = {} } = plan.get(`MachineGroup::${cluster}-${flavor}`);
        expect(inputs).toMatchObject({ min: 0, max: 3, machineType, subnets: own?.subnets });
        expect(inputs).not.toHaveProperty("desired");
        expect(inputs.startupScript).toContain(`'CLUSTER=${cluster}'`);
      }
    }
  });

  it("sends a cluster's requests to them too, and waits for none of them", () => {
    expect(plan.get("switchyard:local:LoadBalancer::edge").inputs?.backends).toMatchObject([
      {
        name: "cluster1",
        groups: [
          "${MachineGroup:cluster1.id}",
          "${MachineGroup:cluster1-standard.id}",
          "${MachineGroup:cluster1-large.id}",
        ],
      },
      { name: "cluster2" },
    ]);
    const revision = expect.stringMatching(/^[0-9a-f]{16}$/);
    const clusters = [{ machines: 5, joined: [revision, revision] }, { machines: 4 }];
    expect(plan.get("ready").inputs).toMatchObject({ clusters });
  });

  it("gives one machine the right to set their sizes, behind a listener of its own", () => {
    const groups = ["cluster1-standard", "cluster1-large", "cluster2-standard", "cluster2-large"];
    const ids = groups.map((name) => `\${MachineGroup:${name}.id}`);
    const { inputs = {} } = plan.get("MachineGroup::controller");
    expect(inputs).toMatchObject({ min: 1, max: 1, desired: 1, controls: ids });
    const script = String(inputs.startupScript);
    expect(script).toContain("'ROLE=controller'");
    expect(script).toContain("'MAX_MACHINES=3'");
    expect(script).toContain(`'SCHEDULES=${JSON.stringify(schedules)}'`);
    expect(script).toContain(`{"cluster":"cluster2","flavor":"large","image":"default","id":"${ids[3]}"}`);
    for (const name of ["cluster1", ...groups])
      expect(plan.get(`MachineGroup::${name}`).inputs).not.toHaveProperty("controls");
    expect(plan.get("switchyard:local:LoadBalancer::controller").inputs).toMatchObject({
      port: 8081,
      allow: ["127.0.0.0/8"],
    });
    expect(plan.outputs.controllerUrl).toBe("${controller.url}");
    expect(plan.dependsOn("controller-ready", "MachineGroup::controller")).toBe(true);
  });

  it("is drawn with the groups of extra machines in their clusters' boxes, and the controller beside them", () => {
    const { boxes, flows } = graphOf(plan.document, "local", () => []);
    const clusters = boxes.filter(({ kind }) => kind === "cluster");
    expect(clusters.map(({ name, note, rows }) => [name, note, rows[0]?.count])).toEqual([
      ["cluster1", "5 × local.small, 2 extra groups", 3],
      ["cluster2", "4 × local.small, 2 extra groups", 3],
      ["controller", "1 × local.small", 1],
    ]);
    const [one, two, controller] = clusters.map(({ id }) => id);
    expect(flows.filter(({ label }) => label === "sizes")).toEqual([
      { from: controller, to: one, label: "sizes" },
      { from: controller, to: two, label: "sizes" },
    ]);
  });
});
