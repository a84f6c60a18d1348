// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { parseUrn } from "../../../operations/urn.ts";
import { internetOpenings } from "../../../plan/openings.ts";
import { clouds } from "../../../providers/index.ts";
import { planExample, type StackPlan } from "../../support/plan.ts";

const balancer = "openstack:loadbalancer/";

describe("two clusters behind path rules (R3)", { timeout: 120_000 }, () => {
  let plan: StackPlan;
  const inputs = (name: string) => plan.get(name).inputs;
  const named = (type: string, prefix: string) =>
    plan
      .byType(type)
      .map((resource) => ({ ...resource, name: parseUrn(resource.urn).name }))
      .filter(({ name }) => name.startsWith(prefix));

  beforeAll(async () => {
    plan = await planExample("openstack-two-clusters");
  }, 30_000);

  it.each([
    ["cluster1", "large", 5, "az1", "sn-10-0-1-0-24"],
    ["cluster2", "standard", 4, "az2", "sn-10-0-2-0-24"],
  ])("has %s of R3.1: flavor %s, %i machines", (cluster, flavor, count, zone, subnet) => {
    const machines = named("Instance", `${cluster}-`);
    expect(machines).toHaveLength(count);
    const { release } = plan.outputs;
    for (const [index, { name, inputs }] of machines.entries()) {
      expect(name).toMatch(new RegExp(`^${cluster}-[0-9a-f]{8}-${index}$`));
      expect(inputs).toEqual({
        name: `switchyard-${name}`,
        flavorName: `switchyard-${flavor}`,
        imageName: "Ubuntu 24.04",
        availabilityZone: zone,
        networks: [{ port: `\${Port:${name}.id}` }],
        schedulerHints: [{ group: `\${ServerGroup:${cluster}.id}` }],
        configDrive: true,
        stopBeforeDestroy: true,
        userData: "[secret]",
        metadata: { project_name: "switchyard", cluster, release },
      });
      expect(plan.get(`Port::${name}`).inputs).toMatchObject({
        fixedIps: [{ subnetId: `\${Subnet:${subnet}.id}` }],
        securityGroupIds: ["${SecGroup:app.id}"],
      });
    }
    expect(inputs(`ServerGroup::${cluster}`)).toEqual({ policies: ["soft-anti-affinity"] });
  });

  it("removes clones before the network, by its id, which operators know, too", () => {
    const network = "${network.id}";
    const place = { authUrl: "https://keystone.example.org/v3", region: "RegionOne" };
    expect(inputs("Clones::clones")).toEqual({ network, ...place });
    for (const part of ["Subnet::sn-10-0-1-0-24", "SecGroup::app"])
      expect(plan.dependsOn("Clones::clones", part)).toBe(true);
    expect(plan.outputs.operator).toMatchObject({ network });
  });

  it("listens on port 80, and splits what matches no path equally between clusters (R3.2)", () => {
    expect(inputs("Listener::http")).toEqual({
      loadbalancerId: "${edge.id}",
      protocol: "HTTP",
      protocolPort: 80,
      allowedCidrs: ["0.0.0.0/0"],
      insertHeaders: { "X-Forwarded-For": "true", "X-Forwarded-Proto": "true" },
      defaultPoolId: "${Pool:all.id}",
      tags: ["project_name=switchyard"],
    });
    const shares = named("Member", "all-").map(({ name, inputs }) => {
      expect(inputs).toMatchObject({ poolId: "${Pool:all.id}", protocolPort: 80 });
      return [name.split("-")[1], inputs?.weight];
    });
    const shareOf = (cluster: string) =>
      shares.filter(([of]) => of === cluster).reduce((sum, [, weight]) => sum + Number(weight), 0);
    expect(shares).toHaveLength(9);
    expect(shareOf("cluster1")).toBe(shareOf("cluster2"));
  });

  it("sends a cluster's path and what is below it to that cluster, the first one first (R3.2)", () => {
    const policies = plan.byType("L7PolicyV2").map(({ urn, inputs }) => {
      const { name } = parseUrn(urn);
      expect(inputs).toMatchObject({ listenerId: "${Listener:http.id}", action: "REDIRECT_TO_POOL" });
      const rule = plan.get(`L7RuleV2::${name}`).inputs;
      expect(rule?.l7policyId).toBe(`\${L7PolicyV2:${name}.id}`);
      return [inputs?.position, rule?.type, rule?.compareType, rule?.value, inputs?.redirectPoolId];
    });
    expect(policies.sort()).toEqual([
      [1, "PATH", "EQUAL_TO", "/cluster1", "${Pool:cluster1.id}"],
      [2, "PATH", "STARTS_WITH", "/cluster1/", "${Pool:cluster1.id}"],
      [3, "PATH", "EQUAL_TO", "/cluster2", "${Pool:cluster2.id}"],
      [4, "PATH", "STARTS_WITH", "/cluster2/", "${Pool:cluster2.id}"],
    ]);
  });

  it("sends requests to machines of the cluster alone, by their own addresses in their own subnet", () => {
    for (const [cluster, count, subnet] of [
      ["cluster1", 5, "sn-10-0-1-0-24"],
      ["cluster2", 4, "sn-10-0-2-0-24"],
    ] as const) {
      const members = named("Member", `${cluster}-`);
      expect(members).toHaveLength(count);
      for (const { urn, name, inputs } of members) {
        const subnetId = `\${Subnet:${subnet}.id}`;
        expect(inputs).toMatchObject({
          poolId: `\${Pool:${cluster}.id}`,
          protocolPort: 80,
          subnetId,
          weight: 1,
        });
        expect(plan.dependsOn(urn, `Instance::${name}`)).toBe(true);
      }
    }
  });

  it("asks GET / for the health of each machine (R3.3)", () => {
    const monitors = plan.byType("Monitor").map(({ inputs }) => inputs);
    expect(monitors.map((monitor) => monitor?.poolId)).toEqual(
      ["all", "cluster1", "cluster2"].map((pool) => `\${Pool:${pool}.id}`),
    );
    for (const monitor of monitors)
      expect(monitor).toMatchObject({
        type: "HTTP",
        httpMethod: "GET",
        urlPath: "/",
        expectedCodes: "200",
        delay: 30,
        timeout: 5,
        maxRetries: 2,
        maxRetriesDown: 2,
      });
  });

  it("makes the parts of the load balancer one after the other, as Octavia wants it", () => {
    const parts = plan.resources.filter(
      ({ type }) => type.startsWith(balancer) && !type.endsWith(":LoadBalancer"),
    );
    expect(parts).toHaveLength(3 + 3 + 9 + 9 + 1 + 4 + 4);
    for (const one of parts) {
      for (const other of parts) {
        if (one === other) continue;
        const ordered = plan.dependsOn(one.urn, other.urn) || plan.dependsOn(other.urn, one.urn);
        expect(ordered, `${one.urn} and ${other.urn}`).toBe(true);
      }
    }
  });

  it("opens SSH, HTTP and HTTPS where the configuration says (R3.4)", async () => {
    const opened = (await internetOpenings(plan.document, clouds)) ?? [];
    expect(opened.map(({ name, port, from }) => [name.split("-")[0], port, from]).sort()).toEqual([
      ["app", "tcp 22", "0.0.0.0/0"],
      ["app", "tcp 443", "0.0.0.0/0"],
      ["app", "tcp 80", "0.0.0.0/0"],
      ["edge", "tcp 80", "0.0.0.0/0"],
    ]);
  });

  it("waits until every machine answers, beside old ones that go after that (R3.5)", () => {
    expect(inputs("Readiness::ready")).toMatchObject({
      url: "http://${FloatingIp:edge.address}",
      healthPath: "/",
      clusters: [
        { name: "cluster1", path: "/cluster1", machines: 5, othersMayAnswer: true },
        { name: "cluster2", path: "/cluster2", machines: 4, othersMayAnswer: true },
      ],
    });
    for (const { urn } of [
      ...plan.byType("Member"),
      ...plan.byType("L7RuleV2"),
      ...plan.byType("FloatingIp"),
    ])
      expect(plan.dependsOn("Readiness::ready", urn)).toBe(true);
  });
});
