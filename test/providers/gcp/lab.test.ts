// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { planExample, planStack, type StackPlan } from "../../support/plan.ts";

describe("one machine with a startup script (R1)", { timeout: 120_000 }, () => {
  let plan: StackPlan;
  const inputs = (name: string) => plan.get(name).inputs;

  beforeAll(async () => {
    plan = await planExample("gcp-lab");
  });

  it("has a machine of type f1-micro in us-west1-b, and no more (R1.1)", () => {
    expect(inputs("InstanceTemplate::lab")).toMatchObject({ machineType: "f1-micro" });
    expect(inputs("RegionInstanceGroupManager::lab")).toMatchObject({
      region: "us-west1",
      distributionPolicyZones: ["us-west1-b"],
      baseInstanceName: "lab",
      targetSize: 1,
      namedPorts: [{ name: "app", port: 5000 }],
    });
  });

  it("starts the app by the startup script, on 5000 (R1.1)", () => {
    const metadata = inputs("InstanceTemplate::lab")?.metadata as Record<string, string>;
    const script = metadata["startup-script"] ?? "";
    expect(script).toMatch(/^#!.*\bbash\n/);
    for (const line of [
      "PORT='5000'",
      "BUCKET='${Bucket:switchyard-files.name}'",
      `RELEASE_KEY='releases/${plan.outputs.release}.tar.gz'`,
      `RUNTIME_KEY='${inputs("StoredObject::runtime-linux-x64")?.key}'`,
      "  'STORE=gcs'",
      "  'BUCKET=${Bucket:switchyard-files.name}'",
      "  'TRUSTED_PROXIES=130.211.0.0/22,35.191.0.0/16'",
      "  'PROXY_HOPS=2'",
      "  'METADATA_SERVER_DETECTION=assume-present'",
      "app_output=journal+console",
    ]) {
      expect(script.split("\n")).toContain(line);
    }
    expect(script.endsWith("\nmain\n")).toBe(true);
    expect(metadata["switchyard-release"]).toBe(plan.outputs.release);
  });

  it("has the firewall rule allow-5000, for the machine's network tag (R1.2)", () => {
    expect(inputs("Firewall::access-5000-allow-5000")).toEqual({
      network: "${network.id}",
      name: "allow-5000",
      description: "As switchyard:access says",
      direction: "INGRESS",
      allows: [{ protocol: "tcp", ports: ["5000"] }],
      sourceRanges: ["0.0.0.0/0"],
      targetTags: ["app"],
    });
    expect(inputs("InstanceTemplate::lab")?.tags).toEqual(["app"]);
  });

  it("gives the machine a public address, by which it is reached", () => {
    expect(inputs("InstanceTemplate::lab")?.networkInterfaces).toEqual([
      { subnetwork: "${Subnetwork:sn-10-0-1-0-24.id}", accessConfigs: [{ networkTier: "PREMIUM" }] },
    ]);
  });
});

describe("the stack file for Google Cloud (R5)", { timeout: 120_000 }, () => {
  let plan: StackPlan;

  beforeAll(async () => {
    plan = await planStack("gcp");
  });

  it("has two machines, by one number (R5.1)", async () => {
    expect(plan.outputs.clusters).toEqual({
      app: { size: 2, machineType: "e2-small", group: "${RegionInstanceGroupManager:app.name}", weight: 1 },
    });
    expect(plan.get("RegionInstanceGroupManager::app").inputs?.targetSize).toBe(2);
    const three = await planStack("gcp", { machines: 3 });
    expect(three.get("RegionInstanceGroupManager::app").inputs?.targetSize).toBe(3);
  });

  it("boots exactly the build that is named by its content (R5.2)", () => {
    const { release } = plan.outputs;
    expect(plan.get("StoredObject::release").inputs).toMatchObject({ key: `releases/${release}.tar.gz` });
    const metadata = plan.get("InstanceTemplate::app").inputs?.metadata as Record<string, string>;
    expect(metadata["startup-script"]).toContain(`RELEASE_SHA256='${release}'`);
  });

  it("is a managed instance group that heals, and rolls with none unavailable (R5.4)", () => {
    expect(plan.get("RegionInstanceGroupManager::app").inputs).toEqual({
      region: "us-west1",
      baseInstanceName: "app",
      distributionPolicyZones: ["us-west1-b"],
      distributionPolicyTargetShape: "EVEN",
      versions: [{ instanceTemplate: "${InstanceTemplate:app.selfLink}" }],
      targetSize: 2,
      namedPorts: [{ name: "app", port: 80 }],
      // Ten minutes in which new rights may not be known, the machine's own two, and two for making it.
      autoHealingPolicies: { healthCheck: "${HealthCheck:app.id}", initialDelaySec: 600 + 120 + 120 },
      updatePolicy: {
        type: "PROACTIVE",
        minimalAction: "REPLACE",
        replacementMethod: "SUBSTITUTE",
        maxSurgeFixed: 4,
        maxUnavailableFixed: 0,
      },
      waitForInstances: false,
    });
  });

  it("opens nothing to everybody, gives machines no public address, and has no SSH but Google's tunnel", () => {
    const rules = plan.byType("Firewall").map(({ inputs }) => [inputs?.allows, inputs?.sourceRanges]);
    expect(rules).toEqual([
      [[{ protocol: "tcp", ports: ["80"] }], ["130.211.0.0/22", "35.191.0.0/16"]],
      [[{ protocol: "tcp", ports: ["22"] }], ["35.235.240.0/20"]],
    ]);
    expect(plan.get("InstanceTemplate::app").inputs?.networkInterfaces).toEqual([
      { subnetwork: "${Subnetwork:sn-10-0-1-0-24.id}" },
    ]);
    expect(plan.get("SecurityPolicy::edge").inputs?.rules).toMatchObject([
      { action: "allow", match: { config: { srcIpRanges: ["203.0.113.0/24"] } } },
      { action: "deny(403)", priority: 2_147_483_647, match: { config: { srcIpRanges: ["*"] } } },
    ]);
  });
});
