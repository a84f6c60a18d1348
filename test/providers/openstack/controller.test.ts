// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { graphOf } from "../../../plan/graph/model.ts";
import { planExample, planStack, type StackPlan } from "../../support/plan.ts";
import { cloud, problemsOf } from "./problems.ts";

const allow = ["198.51.100.7/32"];

describe("a stack with a controller on OpenStack", { timeout: 240_000 }, () => {
  let plan: StackPlan;
  const inputs = (name: string) => plan.get(name).inputs ?? {};
  const named = (type: string) => plan.byType(type).map(({ urn }) => urn.split("::").at(-1) ?? "");

  beforeAll(async () => {
    const controller = { allow, maxMachines: 6, flavors: { big: "large" }, images: { gold: "Debian 12" } };
    plan = await planExample("openstack-two-clusters", { controller });
  });

  it("has an empty server group of each flavor and image beside each cluster", () => {
    const peaks = ["cluster1", "cluster2"].flatMap((name) => [`${name}-big`, `${name}-big-gold`]);
    expect(named("ServerGroup").sort()).toEqual(["cluster1", "cluster2", "controller", ...peaks].sort());
    expect(named("Instance").filter((name) => name.includes("big"))).toEqual([]);
    const clusters = plan.outputs.clusters as Record<string, object>;
    expect(clusters["cluster2-big-gold"]).toEqual({
      size: 0,
      machineType: "switchyard-large",
      group: "${ServerGroup:cluster2-big-gold.id}",
      weight: 0,
    });
  });

  it("has two controllers, because nothing else would heal one, on machines of their own", () => {
    const controllers = plan.byType("Instance").filter(({ urn }) => /::controller-\w{8}-\d$/.test(urn));
    expect(controllers).toHaveLength(2);
    for (const { inputs = {} } of controllers)
      expect(inputs).toMatchObject({
        userData: "[secret]",
        metadata: { cluster: "controller", revision: expect.stringMatching(/^[0-9a-f]{16}$/) },
      });
    expect(inputs("controller-ready")).toMatchObject({
      clusters: [{ name: "controller", machines: 2, othersMayAnswer: true }],
    });
  });

  it("gives them a credential of their own: their document, machines, ports and members, and no file", () => {
    const credential = inputs("ApplicationCredential::switchyard-controller");
    expect(credential).toMatchObject({
      roles: ["load-balancer_member", "member", "reader"],
      unrestricted: false,
    });
    const rules = (credential.accessRules as Record<string, string>[]).map(
      ({ service, method, path }) => `${service} ${method} ${path}`,
    );
    const ofStore = rules.filter((rule) => rule.startsWith("object-store"));
    const document = "/v1/*/${Container:switchyard-files.name}-controller";
    expect(ofStore).toEqual([
      "object-store GET /v1/*/${Container:switchyard-releases.name}/**",
      ...["GET", "PUT", "DELETE"].map((method) => `object-store ${method} ${document}/**`),
      `object-store GET ${document}`,
    ]);
    expect(rules.filter((rule) => rule.startsWith("compute"))).toEqual([
      "compute GET /**/flavors/detail",
      "compute GET /**/servers/detail",
      "compute POST /**/servers",
      "compute DELETE /**/servers/*",
      "compute GET /**/servers/*/os-instance-actions",
      "compute POST /**/servers/*/action",
    ]);
    const ofMachines = JSON.stringify(inputs("ApplicationCredential::switchyard-machines"));
    expect(ofMachines).not.toMatch(/compute|-controller/);
    expect(plan.get("Container::switchyard-controller")).toMatchObject({
      inputs: { name: "${Container:switchyard-files.name}-controller", forceDestroy: false },
      retainOnDelete: true,
    });
  });

  it("is reached by its own load balancer, behind a firewall of its own", () => {
    expect(inputs("SecGroupRule::controller-8081-from-198.51.100.7/32")).toMatchObject({
      securityGroupId: "${SecGroup:controller.id}",
      portRangeMin: 8081,
      remoteIpPrefix: "198.51.100.7/32",
    });
    expect(inputs("openstack:loadbalancer/loadBalancer:LoadBalancer::controller").securityGroupIds).toEqual([
      "${SecGroup:controller.id}",
    ]);
    expect(inputs("Listener::controller-http")).toMatchObject({
      protocolPort: 8081,
      allowedCidrs: allow,
      defaultPoolId: "${Pool:controller-all.id}",
    });
    expect(plan.outputs.controllerUrl).toBe("http://${FloatingIp:controller.address}:8081");
    expect(plan.outputs.operator).toMatchObject({ loadBalancer: "${edge.id}" });
  });

  it("is drawn with the groups of extra machines in their clusters' boxes, and who has which credential", () => {
    const { boxes, flows } = graphOf(plan.document, "openstack", () => []);
    const clusters = boxes.filter(({ kind }) => kind === "cluster");
    expect(clusters.map(({ name, note }) => [name, note])).toEqual([
      ["cluster1", "5 × switchyard-large, 2 extra groups"],
      ["cluster2", "4 × switchyard-standard, 2 extra groups"],
      ["controller", "2 × switchyard-standard"],
    ]);
    const nameOf = (id: string) => boxes.find((box) => box.id === id)?.name;
    const drawn = flows.map(({ from, to, label }) => `${nameOf(from)} ${label} ${nameOf(to)}`);
    expect(drawn).toEqual(
      expect.arrayContaining([
        "controller sizes cluster1",
        "controller sizes cluster2",
        "controller rights controller",
        "machines rights cluster1",
      ]),
    );
    expect(drawn).not.toContain("controller rights cluster1");
  });

  it("sweeps what controllers have made after them, and before network and pools", () => {
    expect(inputs("Sweep::extra-machines")).toEqual({
      authUrl: "https://keystone.example.org/v3",
      region: "RegionOne",
      network: "${network.id}",
      project: "switchyard",
      pools: ["${Pool:all.id}", "${Pool:cluster1.id}", "${Pool:cluster2.id}"],
    });
    for (const { urn } of plan.byType("Instance"))
      expect(plan.dependsOn(urn, "Sweep::extra-machines")).toBe(urn.includes("::controller-"));
    for (const name of ["openstack:networking/network:Network::network", "Pool::cluster2", "SecGroup::app"])
      expect(plan.dependsOn("Sweep::extra-machines", name)).toBe(true);
  });
});

describe("a controller's credential", { timeout: 240_000 }, () => {
  it("may be given, beside an access key of S3's, and its secret stands in no plan", async () => {
    const openstack = {
      ...cloud,
      controllerCredential: { id: "controller-of-lab", secret: "controller-secret" },
      store: "s3",
      s3: { endpoint: "https://rgw.example.org", credential: { id: "machines", secret: "hunter2" } },
    };
    const plan = await planStack("openstack", { openstack, controller: { allow } });
    expect(plan.byType("ApplicationCredential")).toEqual([]);
    expect(plan.byType("Container")).toEqual([]);
    expect(JSON.stringify(plan.document.steps)).not.toMatch(/controller-secret|hunter2/);
  });
});

it("refuses what OpenStack cannot do with it", async () => {
  expect(
    await problemsOf({
      controller: { certificate: "mine", host: "peak.example.org", flavors: { Big: "x" } },
    }),
  ).toEqual([
    expect.stringContaining("controller.allow is missing; say who may reach the controller"),
    expect.stringContaining('controller.certificate is "mine"; it must be a secret container\'s reference'),
    expect.stringContaining("controller.flavors"),
  ]);
  const credential = { id: "a", secret: "b" };
  expect(await problemsOf({ openstack: { ...cloud, controllerCredential: credential } })).toEqual([
    expect.stringContaining("openstack.controllerCredential is"),
  ]);
});
