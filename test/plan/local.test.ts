// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { planStack, type StackPlan } from "../support/plan.ts";

describe("the stack local", { timeout: 120_000 }, () => {
  let plan: StackPlan;

  beforeAll(async () => {
    plan = await planStack("local");
  });

  it("has every component, and its parts in it", () => {
    for (const type of ["Network", "Bucket", "LoadBalancer", "Release"]) {
      expect(plan.byType(`switchyard:index:${type}`), type).toHaveLength(1);
    }
    expect(plan.byType("switchyard:index:Cluster")).toHaveLength(2);
    expect(plan.byType("MachineGroup").map(({ inputs }) => inputs?.desired)).toEqual([5, undefined]);
    expect(plan.children("Cluster::cluster1")).toEqual([plan.get("MachineGroup::cluster1")]);
    expect(plan.get("MachineGroup::cluster1").urn).toBe(
      "urn:pulumi:local::switchyard::switchyard:index:Cluster$switchyard:local:MachineGroup::cluster1",
    );
  });

  it("protects the bucket with what is in it, and keeps releases on delete", () => {
    for (const bucket of plan.byType("Bucket")) expect(bucket.protect).toBe(true);
    for (const object of plan.byType("StoredObject")) {
      expect(object).toMatchObject({ retainOnDelete: true });
      expect(object).not.toHaveProperty("protect");
    }
  });

  it("waits for what a machine fetches, and for every machine in the end", () => {
    const upstream = [
      "StoredObject::release",
      "switchyard:local:Bucket::files",
      "switchyard:local:Network::network",
    ];
    for (const name of upstream) expect(plan.dependsOn("MachineGroup::cluster2", name), name).toBe(true);
    for (const name of ["cluster1", "cluster2"]) {
      expect(plan.dependsOn("ready", `MachineGroup::${name}`)).toBe(true);
    }
    expect(plan.dependencies("ready")).toContainEqual(plan.get("switchyard:local:LoadBalancer::edge"));
  });

  it("keeps the startup script readable, and the admin token to itself", () => {
    const { startupScript } = plan.get("MachineGroup::cluster1").inputs as { startupScript: string };
    expect(startupScript).toContain("${files.id}");
    expect(startupScript).toContain("${AdminToken:admin.sha256}");
    expect(plan.outputs).toMatchObject({
      adminToken: "[secret]",
      bucketName: "${files.id}",
      url: "${edge.url}",
      clusters: { cluster1: { size: 5, machineType: "local.small" }, cluster2: { size: 4 } },
    });
    expect(JSON.stringify(plan.document)).not.toContain("admin.token");
  });

  it("takes other configuration key by key", async () => {
    const { byType, outputs } = await planStack("local", { clusters: undefined, machines: 3 });
    expect(byType("MachineGroup").map(({ inputs }) => inputs?.desired)).toEqual([3]);
    expect(outputs.clusters).toMatchObject({ app: { size: 3 } });
  });

  it("gives the app the variables of the stack's own, as they are, on every machine", async () => {
    const { byType } = await planStack("local", {
      app: { environment: { GREETING: "it's $HOME", LOG_LEVEL: "warn" } },
    });
    for (const { inputs } of byType("MachineGroup")) {
      const lines = String(inputs?.startupScript).split("\n");
      expect(lines).toContain("  'GREETING=it'\\''s $HOME'");
      expect(lines).toContain("  'LOG_LEVEL=warn'");
    }
  });

  it("runs kept releases: the stack's without building one, a cluster's beside the others'", async () => {
    const [stable, canary] = ["a".repeat(64), "b".repeat(64)];
    const { byType, get, outputs } = await planStack("local", {
      release: stable,
      clusters: [
        { name: "cluster1", min: 1 },
        { name: "cluster2", min: 1, release: canary },
        { name: "cluster3", min: 1, release: stable },
      ],
    });
    expect(byType("MachineGroup").map(({ inputs }) => inputs?.release)).toEqual([stable, canary, stable]);
    const stored = (name: string) => get(`StoredObject::${name}`).inputs;
    expect(stored("release")).toMatchObject({ key: `releases/${stable}.tar.gz`, content: { kept: stable } });
    expect(stored(`release-${"b".repeat(12)}`)).toMatchObject({ content: { kept: canary } });
    expect(byType("StoredObject")).toHaveLength(3);
    const { clusters, release } = outputs as {
      clusters: Record<string, { release?: string }>;
      release: string;
    };
    expect(release).toBe(stable);
    expect(Object.values(clusters).map((cluster) => cluster.release)).toEqual([undefined, canary, undefined]);
  });

  it("fails with everything that is wrong with its configuration", async () => {
    await expect(planStack("local", { clusterz: 1, app: { root: "x" } })).rejects.toThrow(
      /^error: 2 problems in this stack's configuration:\n {2}switchyard:app\.root is "x"; .+\n {2}switchyard:clusterz is 1; /,
    );
  });

  it("tells what to ask for when a name is not one resource's", () => {
    expect(() => plan.get("cluster1")).toThrow(
      /^2 resources of the plan are named "cluster1"\. There are:\n {2}urn:/,
    );
    expect(() => plan.get("nothing")).toThrow(/^0 resources/);
  });
});

describe("a stack of a cloud that there is not", { timeout: 120_000 }, () => {
  it("fails by its configuration error", async () => {
    await expect(planStack("local", { cloud: "elsewhere" })).rejects.toThrow(
      `error: 1 problem in this stack's configuration:\n  switchyard:cloud is "elsewhere"; it may be: aws, gcp, local, openstack`,
    );
  });
});
