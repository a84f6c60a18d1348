import { beforeAll, describe, expect, it } from "vitest";
import { parseUrn } from "../../../operations/urn.ts";
import { planStack, type StackPlan } from "../../support/plan.ts";
import { cloud } from "./problems.ts";

const subnets = [{ cidr: "10.0.1.0/24", zone: "az1" }, { cidr: "10.0.2.0/24" }];
const config = {
  network: { cidr: "10.0.0.0/16", subnets },
  machines: undefined,
  clusters: [
    { name: "web", min: 3, path: "/web", subnets: [0, 1] },
    { name: "api", min: 4 },
  ],
};

let plan: StackPlan;
let after: StackPlan;

beforeAll(async () => {
  plan = await planStack("openstack", { ...config, openstack: { ...cloud, batch: 2 } });
  after = await planStack("openstack", { ...config, openstack: { ...cloud, batch: 2, image: "Debian 12" } });
}, 240_000);

const web = [0, 1, 2].map((index) => `web-sn-10-0-${(index % 2) + 1}-0-24-${index}`);

describe("machines that are replaced in their places, two at a time", () => {
  it("keep their names, ports and members, whatever they are made of", () => {
    const urnsOf = ({ resources }: StackPlan) => resources.map(({ urn }) => urn).sort();
    expect(urnsOf(after)).toEqual(urnsOf(plan));
    for (const type of ["Instance", "Port"])
      expect(plan.byType(type).map(({ urn }) => parseUrn(urn).name)).toEqual(expect.arrayContaining(web));
    expect(plan.get(`Instance::${web[0]}`).inputs?.networks).toEqual([{ port: `\${Port:${web[0]}.id}` }]);
    expect(after.get(`Instance::${web[0]}`).inputs).not.toEqual(plan.get(`Instance::${web[0]}`).inputs);
  });

  it("come after the load balancer, which is there without them", () => {
    const balancer = [...plan.byType("Member"), ...plan.byType("L7RuleV2"), ...plan.byType("FloatingIp")];
    for (const { urn } of plan.byType("Instance")) {
      for (const { urn: part } of balancer) {
        expect(plan.dependsOn(urn, part), `${urn} and ${part}`).toBe(true);
        expect(plan.dependsOn(part, urn)).toBe(false);
      }
    }
  });

  it("come once those before them answer, and the deployment ends after the last", () => {
    const [first = "", second = "", third = ""] = web;
    expect(plan.get("Readiness::web-2").inputs).toMatchObject({
      clusters: [{ name: "web", path: "/web", machines: 2, othersMayAnswer: true }],
    });
    for (const one of [first, second]) {
      expect(plan.dependsOn("Readiness::web-2", `Instance::${one}`)).toBe(true);
      expect(plan.dependsOn(`Instance::${one}`, "Readiness::web-2")).toBe(false);
      expect(plan.dependsOn(`Instance::${third}`, `Instance::${one}`)).toBe(true);
    }
    expect(plan.dependsOn(`Instance::${third}`, "Readiness::web-2")).toBe(true);
    expect(plan.dependsOn("Readiness::web-3", `Instance::${third}`)).toBe(true);
    for (const gate of ["web-2", "web-3", "api-2", "api-4"])
      expect(plan.dependsOn("Readiness::ready", `Readiness::${gate}`)).toBe(true);
    // When batches are switched on, machines that are not replaced in their places serve until the end.
    expect(plan.get("Readiness::ready").inputs?.clusters).toEqual([
      expect.objectContaining({ name: "web", machines: 3, othersMayAnswer: true }),
      expect.objectContaining({ name: "api", machines: 4, othersMayAnswer: true }),
    ]);
  });
});
