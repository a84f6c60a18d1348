// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { planExample, type StackPlan } from "../../support/plan.ts";
import { certificate } from "./problems.ts";

const service = (cluster: string) => `\${BackendService:${cluster}.id}`;
const split = (...clusters: string[]) => ({
  weightedBackendServices: clusters.map((cluster) => ({ backendService: service(cluster), weight: 1 })),
});

describe("two clusters behind path rules (R3)", { timeout: 120_000 }, () => {
  let plan: StackPlan;
  const inputs = (name: string) => plan.get(name).inputs;

  beforeAll(async () => {
    plan = await planExample("gcp-two-clusters", {
      app: { port: 80, root: "health", environment: { GREETING: "hello" } },
    });
  });

  it.each([
    ["cluster1", "n2-standard-2", 5, "us-east1-b", "sn-10-0-1-0-24"],
    ["cluster2", "e2-standard-2", 4, "us-east1-c", "sn-10-0-2-0-24"],
  ])("has %s of R3.1: machine type %s, %i of them", (name, machineType, targetSize, zone, subnet) => {
    const template = inputs(`InstanceTemplate::${name}`);
    expect(template).toMatchObject({
      machineType,
      disks: [
        {
          boot: true,
          autoDelete: true,
          sourceImage: "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64",
          diskType: "pd-balanced",
        },
      ],
      networkInterfaces: [{ subnetwork: `\${Subnetwork:${subnet}.id}`, accessConfigs: [{}] }],
    });
    expect(inputs(`RegionInstanceGroupManager::${name}`)).toMatchObject({
      region: "us-east1",
      distributionPolicyZones: [zone],
      targetSize,
    });
    expect(inputs(`RegionAutoscaler::${name}`)).toMatchObject({
      target: `\${RegionInstanceGroupManager:${name}.id}`,
      autoscalingPolicy: { mode: "OFF", minReplicas: 4, maxReplicas: 5 },
    });
    const metadata = template?.metadata as Record<string, string>;
    const app = [`CLUSTER=${name}`, `CLUSTER_PATH=/${name}`, "ROOT=health", "GREETING=hello"];
    for (const line of ["PORT='80'", ...app.map((variable) => `  '${variable}'`)]) {
      expect(metadata["startup-script"]?.split("\n")).toContain(line);
    }
  });

  it("has a subnet in each of two zones of us-east1", () => {
    const subnets = plan.byType("Subnetwork").map(({ inputs }) => [inputs?.region, inputs?.ipCidrRange]);
    expect(subnets).toEqual([
      ["us-east1", "10.0.1.0/24"],
      ["us-east1", "10.0.2.0/24"],
    ]);
  });

  it("keeps to the configured number where one is given, and leaves it to an autoscaler elsewhere", () => {
    expect(plan.get("RegionInstanceGroupManager::cluster1")).not.toHaveProperty("ignoreChanges");
    expect(plan.get("RegionInstanceGroupManager::cluster2").ignoreChanges).toEqual(["targetSize"]);
  });

  it("has the load balancer of R3.2: equal weights, then rules in the clusters' order", () => {
    const defaultRouteAction = split("cluster1", "cluster2");
    const rule = (name: string, priority: number) => ({
      priority,
      matchRules: [{ fullPathMatch: `/${name}` }, { prefixMatch: `/${name}/` }],
      service: service(name),
    });
    expect(inputs("URLMap::edge")).toEqual({
      defaultRouteAction,
      hostRules: [{ hosts: ["*"], pathMatcher: "paths" }],
      pathMatchers: [
        { name: "paths", defaultRouteAction, routeRules: [rule("cluster1", 1), rule("cluster2", 2)] },
      ],
    });
    expect(inputs("TargetHttpProxy::http")).toEqual({ urlMap: "${URLMap:edge.id}" });
    expect(inputs("GlobalForwardingRule::http-80")).toEqual({
      ipAddress: "${GlobalAddress:edge.id}",
      ipProtocol: "TCP",
      portRange: "80",
      target: "${TargetHttpProxy:http.id}",
      loadBalancingScheme: "EXTERNAL_MANAGED",
      labels: { project_name: "switchyard" },
    });
    for (const name of ["cluster1", "cluster2"]) {
      expect(inputs(`BackendService::${name}`)).toEqual({
        loadBalancingScheme: "EXTERNAL_MANAGED",
        protocol: "HTTP",
        portName: "app",
        backends: [
          {
            group: `\${RegionInstanceGroupManager:${name}.instanceGroup}`,
            balancingMode: "UTILIZATION",
            maxUtilization: 0.8,
            capacityScaler: 1,
          },
        ],
        healthChecks: `\${HealthCheck:${name}.id}`,
        timeoutSec: 86_400,
        connectionDrainingTimeoutSec: 30,
        localityLbPolicy: "ROUND_ROBIN",
        logConfig: { enable: false },
      });
    }
    expect(plan.outputs).toMatchObject({
      url: "http://${GlobalAddress:edge.address}",
      address: "${GlobalAddress:edge.address}",
    });
  });

  it("has the health check of R3.3", () => {
    const checks = plan.byType("HealthCheck").map(({ inputs }) => inputs);
    const check = {
      httpHealthCheck: { port: 80, requestPath: "/" },
      checkIntervalSec: 30,
      timeoutSec: 5,
      healthyThreshold: 2,
      unhealthyThreshold: 2,
    };
    expect(checks).toEqual([check, check]);
  });

  it("lets in what the lab lets in (R3.4)", () => {
    const open = plan
      .byType("Firewall")
      .filter(({ inputs }) => String(inputs?.sourceRanges) === "0.0.0.0/0")
      .map(({ inputs }) => (inputs?.allows as { ports: string[] }[] | undefined)?.[0]?.ports[0]);
    expect(open.sort()).toEqual(["22", "443", "80"]);
    expect(plan.byType("SecurityPolicy")).toEqual([]);
  });

  it("waits for every machine (R3.5), for as long as a new load balancer or a rollout may take", () => {
    expect(inputs("ready")).toMatchObject({
      clusters: [
        { name: "cluster1", path: "/cluster1", machines: 5 },
        { name: "cluster2", path: "/cluster2", machines: 4 },
      ],
      timeoutSeconds: 900 + 600 + 2 * (120 + 120 + 30),
    });
    expect(inputs("StableGroup::cluster1")).toEqual({
      project: "switchyard",
      region: "us-east1",
      group: "${RegionInstanceGroupManager:cluster1.name}",
      revision: (inputs("ready")?.clusters as { revision: string }[] | undefined)?.[0]?.revision,
      size: 5,
      timeoutSeconds: inputs("ready")?.timeoutSeconds,
    });
    for (const part of [
      "RegionInstanceGroupManager::cluster1",
      "RegionInstanceGroupManager::cluster2",
      "URLMap::edge",
      "GlobalForwardingRule::http-80",
    ]) {
      expect(plan.dependsOn("ready", part), part).toBe(true);
    }
  });
});

describe("other configurations", { timeout: 120_000 }, () => {
  const only = { name: "only", min: 1 };

  it("takes arm64 images, Node.js and disks for an Arm cluster", async () => {
    const plan = await planExample("gcp-two-clusters", {
      clusters: [{ ...only, machineType: "c4a-standard-1", diskGiB: 20 }],
    });
    expect(plan.get("InstanceTemplate::only").inputs?.disks).toMatchObject([
      {
        sourceImage: "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-arm64",
        diskType: "hyperdisk-balanced",
        diskSizeGb: 20,
      },
    ]);
    expect(plan.byType("StoredObject").map(({ inputs }) => inputs?.key)).toEqual([
      expect.stringMatching(/^releases\//),
      expect.stringMatching(/^runtimes\/node-linux-arm64-/),
    ]);
  });

  it("answers 404 where no cluster has a weight", async () => {
    const clusters = [{ ...only, path: "/only", weight: 0 }];
    const plan = await planExample("gcp-two-clusters", { clusters });
    const nothing = {
      defaultService: service("only"),
      defaultRouteAction: { faultInjectionPolicy: { abort: { httpStatus: 404, percentage: 100 } } },
    };
    expect(plan.get("URLMap::edge").inputs).toMatchObject({ ...nothing, pathMatchers: [nothing] });
  });

  it("needs no path rules where no cluster has a path", async () => {
    const plan = await planExample("gcp-two-clusters", { clusters: [{ ...only, weight: 7 }] });
    expect(plan.get("URLMap::edge").inputs).toEqual({
      defaultRouteAction: { weightedBackendServices: [{ backendService: service("only"), weight: 7 }] },
    });
  });

  it.each([
    [certificate, "https", { sslCertificates: [certificate] }],
    [
      "projects/lab-123456/locations/global/certificateMaps/api",
      "https-map",
      {
        certificateMap:
          "//certificatemanager.googleapis.com/projects/lab-123456/locations/global/certificateMaps/api",
      },
    ],
  ])("serves HTTPS with %s, and redirects HTTP to it", async (certificate, proxy, served) => {
    const loadBalancer = { allow: ["192.0.2.0/24"], certificate, host: "api.example.org" };
    const plan = await planExample("gcp-two-clusters", { loadBalancer });
    expect(plan.get(`TargetHttpsProxy::${proxy}`).inputs).toEqual({
      urlMap: "${URLMap:edge.id}",
      sslPolicy: "${SSLPolicy:https.id}",
      ...served,
    });
    expect(plan.get("SSLPolicy::https").inputs).toEqual({ profile: "MODERN", minTlsVersion: "TLS_1_2" });
    expect(plan.get("GlobalForwardingRule::https-443").inputs).toMatchObject({
      portRange: "443",
      target: `\${TargetHttpsProxy:${proxy}.id}`,
    });
    expect(plan.get("TargetHttpProxy::http").inputs).toEqual({ urlMap: "${URLMap:redirect.id}" });
    expect(plan.get("URLMap::redirect").inputs).toEqual({
      defaultUrlRedirect: {
        httpsRedirect: true,
        redirectResponseCode: "MOVED_PERMANENTLY_DEFAULT",
        stripQuery: false,
      },
    });
    expect(plan.dependencies("URLMap::redirect")).toContain(plan.get("GlobalForwardingRule::https-443"));
    expect(plan.outputs).toMatchObject({
      url: "https://api.example.org",
      address: "${GlobalAddress:edge.address}",
    });
  });

  it("lets many clients in by ten a rule, and nobody else", async () => {
    const allow = Array.from({ length: 11 }, (_, at) => `192.0.2.${at}/32`);
    const plan = await planExample("gcp-two-clusters", {
      loadBalancer: { allow: [...allow, "192.0.2.0/32"] },
    });
    const rules = plan.get("SecurityPolicy::edge").inputs?.rules as {
      action: string;
      priority: number;
      match: { versionedExpr: string; config: { srcIpRanges: string[] } };
    }[];
    expect(
      rules.map(({ action, priority, match }) => [action, priority, match.config.srcIpRanges.length]),
    ).toEqual([
      ["allow", 1, 10],
      ["allow", 2, 1],
      ["deny(403)", 2_147_483_647, 1],
    ]);
    expect(
      rules
        .slice(0, 2)
        .flatMap(({ match }) => match.config.srcIpRanges)
        .sort(),
    ).toEqual(allow.sort());
    for (const name of ["cluster1", "cluster2"]) {
      expect(plan.get(`BackendService::${name}`).inputs?.securityPolicy).toBe("${SecurityPolicy:edge.id}");
    }
  });

  it("logs in by OS Login, or by the stack's key alone", async () => {
    const sshKey =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example.org";
    const without = await planExample("gcp-two-clusters");
    expect(without.get("InstanceTemplate::cluster1").inputs?.metadata).toMatchObject({
      "enable-oslogin": "TRUE",
      "block-project-ssh-keys": "TRUE",
    });
    expect(without.get("InstanceTemplate::cluster1").inputs?.metadata).not.toHaveProperty("ssh-keys");
    const plan = await planExample("gcp-two-clusters", { sshKey });
    expect(plan.get("InstanceTemplate::cluster1").inputs?.metadata).toMatchObject({
      "enable-oslogin": "FALSE",
      "ssh-keys": `switchyard:${sshKey}`,
    });
  });

  it("labels what can have labels by the stack's tags, and machines by their cluster's too", async () => {
    const tags = { "Cost centre": "42/A" };
    const clusters = [{ ...only, tags: { team: "Web" } }];
    const plan = await planExample("gcp-two-clusters", { tags, clusters, project: "lab1" });
    const labels = { cost_centre: "42_a", project_name: "lab1" };
    for (const name of ["gcp:storage/bucket:Bucket::switchyard-files", "GlobalAddress::edge", "http-80"]) {
      expect(plan.get(name).inputs?.labels, name).toEqual(labels);
    }
    const machine = { ...labels, team: "web", cluster: "only" };
    expect(plan.get("InstanceTemplate::only").inputs).toMatchObject({
      labels: machine,
      disks: [{ labels: machine }],
    });
  });

  it("keeps some machines away at a time only where as many may be as there can be zones", async () => {
    const rollout = { minHealthyPercent: 50 };
    const clusters = [
      { ...only, name: "few", min: 7 },
      { ...only, name: "many", min: 8, max: 20 },
    ];
    const plan = await planExample("gcp-two-clusters", { rollout, clusters });
    const policy = (name: string) => plan.get(`RegionInstanceGroupManager::${name}`).inputs?.updatePolicy;
    expect(policy("few")).toMatchObject({ maxSurgeFixed: 4, maxUnavailableFixed: 0 });
    expect(policy("many")).toMatchObject({ maxSurgeFixed: 10, maxUnavailableFixed: 4 });
  });
});
