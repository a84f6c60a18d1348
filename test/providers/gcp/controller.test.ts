// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Compute } from "../../../service/compute/compute.ts";
import { openGcpCompute } from "../../../service/compute/gcp.ts";
import { planExample, type StackPlan } from "../../support/plan.ts";
import { type ComputeServer, startCompute } from "./compute-server.ts";
import { isAllowed, plannedGrants } from "./grants.ts";
import { problemsOf } from "./problems.ts";

describe("a stack with a controller on Google Cloud", { timeout: 120_000 }, () => {
  let plan: StackPlan;
  const inputs = (name: string) => plan.get(name).inputs ?? {};

  beforeAll(async () => {
    const images = { gold: "projects/lab-123456/global/images/gold" };
    const controller = { allow: ["198.51.100.7/32"], maxMachines: 6, flavors: { big: "large" }, images };
    plan = await planExample("gcp-two-clusters", { controller });
  });

  it("has an empty group of each flavor and image beside each, behind the cluster's backend service", () => {
    for (const cluster of ["cluster1", "cluster2"]) {
      const peaks = [`${cluster}-big`, `${cluster}-big-gold`];
      for (const peak of peaks) {
        expect(inputs(`RegionInstanceGroupManager::${peak}`)).toMatchObject({
          targetSize: 0,
          autoHealingPolicies: { healthCheck: `\${HealthCheck:${cluster}.id}` },
          distributionPolicyZones: inputs(`RegionInstanceGroupManager::${cluster}`).distributionPolicyZones,
        });
        expect(plan.get(`RegionInstanceGroupManager::${peak}`).ignoreChanges).toEqual(["targetSize"]);
      }
      expect(inputs(`BackendService::${cluster}`).backends).toMatchObject(
        [cluster, ...peaks].map((name) => ({
          group: `\${RegionInstanceGroupManager:${name}.instanceGroup}`,
        })),
      );
    }
    expect(inputs("InstanceTemplate::cluster1-big-gold").disks).toMatchObject([
      { sourceImage: "projects/lab-123456/global/images/gold" },
    ]);
    expect(plan.byType("RegionAutoscaler").map(({ urn }) => urn.split("::").at(-1))).toEqual([
      "cluster1",
      "cluster2",
      "controller",
    ]);
  });

  it("gives the controller an account of its own: its document, the sizes of groups, and no file", () => {
    const account = (name: string) =>
      (inputs(`InstanceTemplate::${name}`).serviceAccount as { email: string }).email;
    expect(account("cluster1-big")).toBe(account("cluster1"));
    expect(account("controller")).not.toBe(account("cluster1"));
    const own = plan.byType("BucketIAMMember").filter(({ urn }) => urn.includes("::controller-"));
    expect(own).toHaveLength(3);
    expect(inputs("gcp:projects/iAMMember:IAMMember::controller-size")).toMatchObject({
      role: "${IAMCustomRole:controller-size.name}",
    });
    expect(inputs("IAMCustomRole::controller-size").permissions).toEqual([
      "compute.images.get",
      "compute.instanceGroupManagers.get",
      "compute.instanceGroupManagers.update",
      "compute.machineTypes.list",
      "compute.networks.list",
      "compute.regions.get",
    ]);
    const permission = "storage.objects.get";
    const grants = plannedGrants(plan, "lab").filter(({ expression }) => !expression.includes("/files/"));
    expect(isAllowed(grants, "lab", { permission, object: "controller/schedules" })).toBe(true);
    expect(isAllowed(grants, "lab", { permission, object: "files/a" })).toBe(false);
  });

  it("is reached by its own load balancer, by who may", () => {
    expect(inputs("GlobalForwardingRule::controller-http-8081")).toMatchObject({
      portRange: "8081",
      ipAddress: "${GlobalAddress:controller.id}",
    });
    expect(inputs("SecurityPolicy::controller").rules).toMatchObject([
      { action: "allow", match: { config: { srcIpRanges: ["198.51.100.7/32"] } } },
      { action: "deny(403)" },
    ]);
    expect(inputs("BackendService::controller").securityPolicy).toBe("${SecurityPolicy:controller.id}");
  });
});

it("refuses what Google Cloud cannot do with it", async () => {
  const problems = await problemsOf({
    controller: { images: { gold: "gold" }, flavors: { big: "NOPE" }, maxMachines: 2 },
  });
  expect(problems).toEqual([
    expect.stringContaining("controller.allow is missing; say who may reach the controller"),
    expect.stringContaining('controller.flavors.big is "NOPE"'),
    expect.stringContaining('controller.images.gold is "gold"; it must be an image'),
  ]);
});

describe("the controller's calls", () => {
  const size = { "cluster1-big-1a2b3c4": 0 } as Record<string, number>;
  const root = "/compute/v1/projects/lab-123456";
  let server: ComputeServer;
  let compute: Compute;
  let busy = false;

  function answer(method: string, { pathname, searchParams }: URL): object | undefined {
    const path = pathname.replace(`${root}/`, "");
    const [, group = "", verb] =
      /^regions\/us-west1\/instanceGroupManagers\/([^/]+)(?:\/(resize|listErrors))?$/.exec(path) ?? [];
    if (group in size && method === "POST" && verb === "resize") {
      size[group] = Number(searchParams.get("size"));
      return { kind: "compute#operation" };
    }
    if (group in size && verb === "listErrors")
      return { items: [{ error: { message: "QUOTA_EXCEEDED: CPUS" } }] };
    if (group in size && method === "GET") {
      const none = busy ? 0 : size[group];
      return { name: group, targetSize: size[group], currentActions: { none, creating: busy ? 1 : 0 } };
    }
    if (path === "regions/us-west1") return { zones: [`https://x${root}/zones/us-west1-b`] };
    if (path === "zones/us-west1-b/machineTypes" && !searchParams.has("pageToken"))
      return { items: [{ name: "e2-small", guestCpus: 2, memoryMb: 2048 }], nextPageToken: "more" };
    if (path === "zones/us-west1-b/machineTypes")
      return { items: [{ name: "e2-medium", guestCpus: 2, memoryMb: 4096 }] };
    if (path === "global/networks") return { items: [{ name: "network-1a2b3c4" }] };
    if (path === "global/images/gold") return { name: "gold" };
    return undefined;
  }

  beforeAll(async () => {
    server = await startCompute((url, method) => answer(method, url));
    server.stub();
    compute = openGcpCompute({
      project: "lab-123456",
      region: "us-west1",
      images: ["projects/lab-123456/global/images/gold"],
      endpoint: server.root,
    });
  });

  afterAll(() => {
    vi.unstubAllEnvs();
    server.stop();
  });

  it("set the size of a group, and see what came of it, in Google's own words", async () => {
    const [id] = Object.keys(size) as [string];
    expect(await compute.groups([id, "gone"])).toEqual([{ id, size: 0, running: 0 }]);
    await compute.resize(id, 2);
    expect(await compute.groups([id])).toEqual([{ id, size: 2, running: 2 }]);
    busy = true;
    expect(await compute.groups([id])).toEqual([
      { id, size: 2, running: 0, problem: "QUOTA_EXCEEDED: CPUS" },
    ]);
    await expect(compute.resize("gone", 1)).rejects.toThrow();
  });

  it("list what schedules may name, page by page", async () => {
    expect((await compute.flavors()).map(({ id, memoryMiB }) => `${id} ${memoryMiB}`)).toEqual([
      "e2-small 2048",
      "e2-medium 4096",
    ]);
    expect(await compute.networks()).toEqual([{ id: "network-1a2b3c4", name: "network-1a2b3c4" }]);
    expect(await compute.images()).toEqual([{ id: "projects/lab-123456/global/images/gold", name: "gold" }]);
  });
});
