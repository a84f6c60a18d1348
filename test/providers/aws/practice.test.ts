// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { planStack, type StackPlan } from "../../support/plan.ts";

const key = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-4000-8000-0123456789ab";
const boundary = "arn:aws:iam::123456789012:policy/bound";
const [a, b, hiddenA, hiddenB] = ["10.0.1.0/24", "10.0.2.0/24", "10.0.11.0/24", "10.0.12.0/24"];
const subnets = [
  { cidr: a, zone: "us-east-1a" },
  { cidr: b, zone: "us-east-1b" },
  { cidr: hiddenA, zone: "us-east-1a", private: true },
  { cidr: hiddenB, zone: "us-east-1b", private: true },
];
const network = { cidr: "10.0.0.0/16", subnets };
const loadBalancer = { port: 80, allow: ["192.0.2.0/24"] };
const clusters = [{ name: "app", min: 2 }];

const lb = "aws:lb/loadBalancer:LoadBalancer::edge";

describe("what is always so", { timeout: 120_000 }, () => {
  let plan: StackPlan;

  beforeAll(async () => {
    plan = await planStack("aws", {
      loadBalancer,
      clusters,
      network: { ...network, subnets: subnets.slice(0, 2) },
    });
  });

  it("empties the VPC's own security group", () => {
    const { inputs } = plan.get("DefaultSecurityGroup::default");
    expect(inputs).toMatchObject({ vpcId: "${Vpc:network.id}" });
    for (const direction of ["ingress", "egress"]) expect(inputs).not.toHaveProperty(direction);
  });

  it("launches another machine before one that is unhealthy goes, and records the group's metrics", () => {
    const { inputs } = plan.get("Group::app");
    expect(inputs?.instanceMaintenancePolicy).toEqual({
      minHealthyPercentage: 100,
      maxHealthyPercentage: 110,
    });
    expect(inputs?.enabledMetrics).toHaveLength(8);
  });

  it("describes every firewall rule", () => {
    const rules = [...plan.byType("SecurityGroupIngressRule"), ...plan.byType("SecurityGroupEgressRule")];
    expect(rules.length).toBeGreaterThan(4);
    for (const { urn, inputs } of rules) expect(inputs?.description, urn).toMatch(/^[A-Z][\w ,:']+$/);
  });

  it("has none of what costs, or must be asked for", () => {
    for (const type of ["NatGateway", "Eip", "VpcEndpoint", "FlowLog", "Logs"])
      expect(plan.byType(type)).toEqual([]);
    expect(plan.get(lb).inputs).toMatchObject({ enableDeletionProtection: false });
    expect(plan.get(lb).inputs).not.toHaveProperty("accessLogs");
    expect(plan.get("Role::machines").inputs).not.toHaveProperty("permissionsBoundary");
  });
});

describe("private subnets", { timeout: 120_000 }, () => {
  it("have the machines, and reach the bucket and nothing else without a gateway", async () => {
    const plan = await planStack("aws", { loadBalancer, clusters, network });
    expect(plan.get("Group::app").inputs?.vpcZoneIdentifiers).toEqual([
      `\${Subnet:sn-${hiddenA}.id}`,
      `\${Subnet:sn-${hiddenB}.id}`,
    ]);
    expect(plan.get(lb).inputs?.subnets).toEqual([`\${Subnet:sn-${a}.id}`, `\${Subnet:sn-${b}.id}`]);
    expect(plan.get(`Subnet::sn-${hiddenA}`).inputs).toMatchObject({
      mapPublicIpOnLaunch: false,
      tags: { Name: "switchyard-sn-prv-3" },
    });
    expect(plan.get(`RouteTableAssociation::sn-${hiddenA}`).inputs?.routeTableId).toBe(
      "${RouteTable:rt-prv-us-east-1a.id}",
    );
    expect(plan.byType("Route").map(({ inputs }) => inputs?.routeTableId)).toEqual(["${RouteTable:rt.id}"]);
    expect(plan.get("VpcEndpoint::s3").inputs).toMatchObject({
      serviceName: "com.amazonaws.us-east-1.s3",
      vpcEndpointType: "Gateway",
      routeTableIds: ["${RouteTable:rt-prv-us-east-1a.id}", "${RouteTable:rt-prv-us-east-1b.id}"],
    });
    expect(plan.dependsOn("Group::app", "VpcEndpoint::s3")).toBe(true);
  });

  it.each([
    ["one", ["nat-us-east-1a"], ["nat-us-east-1a", "nat-us-east-1a"]],
    ["zonal", ["nat-us-east-1a", "nat-us-east-1b"], ["nat-us-east-1a", "nat-us-east-1b"]],
  ])("reach the internet by %s", async (nat, gateways, ways) => {
    const plan = await planStack("aws", { loadBalancer, clusters, network: { ...network, nat } });
    expect(plan.byType("NatGateway").map(({ urn }) => urn.split("::").at(-1))).toEqual(gateways);
    const first = plan.get("NatGateway::nat-us-east-1a").inputs;
    expect(first).toMatchObject({
      subnetId: `\${Subnet:sn-${a}.id}`,
      allocationId: "${Eip:nat-us-east-1a.allocationId}",
    });
    const routes = ["a", "b"].map((zone) => plan.get(`Route::nat-us-east-1${zone}`).inputs?.natGatewayId);
    expect(routes).toEqual(ways.map((way) => `\${NatGateway:${way}.id}`));
  });
});

describe("logs", { timeout: 120_000 }, () => {
  it("go to a bucket of their own, which stays", async () => {
    const plan = await planStack("aws", {
      clusters,
      loadBalancer: { ...loadBalancer, accessLogs: true },
      network: { ...network, flowLogs: true },
    });
    expect(plan.get(lb).inputs?.accessLogs).toEqual({ bucket: "${Bucket:logs.bucket}", enabled: true });
    expect(plan.get("FlowLog::network").inputs).toMatchObject({
      vpcId: "${Vpc:network.id}",
      trafficType: "ALL",
      logDestinationType: "s3",
      logDestination: "${Bucket:logs.arn}",
    });
    for (const name of [lb, "FlowLog::network"])
      expect(plan.dependsOn(name, "BucketPolicy::logs")).toBe(true);
    expect(plan.get("BucketPublicAccessBlock::logs").inputs).toMatchObject({ restrictPublicBuckets: true });
    expect(plan.get("BucketLifecycleConfiguration::logs").inputs?.rules).toMatchObject([
      { expiration: { days: 90 } },
    ]);
    for (const { retainOnDelete } of plan.children("Logs::logs")) expect(retainOnDelete).toBe(true);
    const { Statement } = JSON.parse(String(plan.get("BucketPolicy::logs").inputs?.policy));
    const source = "arn:aws*:elasticloadbalancing:us-east-1:${Vpc:network.ownerId}:loadbalancer/*";
    expect(Statement[0]).toEqual({
      Sid: "AccessLogs",
      Effect: "Allow",
      Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
      Action: "s3:PutObject",
      Resource: "${Bucket:logs.arn}/*",
      Condition: { ArnLike: { "aws:SourceArn": source } },
    });
    for (const { Effect, Condition } of Statement.slice(0, -1)) {
      expect([Effect, JSON.stringify(Condition)]).toEqual([
        "Allow",
        expect.stringContaining(":${Vpc:network.ownerId}:"),
      ]);
    }
    expect(Statement.at(-1)).toMatchObject({ Sid: "TlsOnly", Effect: "Deny" });
  });
});

describe("what is asked for by a key", { timeout: 120_000 }, () => {
  it("protects the load balancer, sizes disks, encrypts by KMS and bounds the role", async () => {
    const plan = await planStack("aws", {
      image: "ami-0123456789abcdef0",
      clusters: [
        { ...clusters[0], diskGiB: 20 },
        { ...clusters[0], name: "other", path: "/other", image: "ami-fedcba98765432100" },
      ],
      loadBalancer: { ...loadBalancer, protect: true },
      bucket: { encryptionKey: key },
      permissionsBoundary: boundary,
    });
    expect(plan.get(lb)).toMatchObject({ protect: true, inputs: { enableDeletionProtection: true } });
    expect(plan.get("LaunchTemplate::app").inputs?.blockDeviceMappings).toMatchObject([
      { ebs: { volumeSize: 20 } },
    ]);
    expect(["app", "other"].map((name) => plan.get(`LaunchTemplate::${name}`).inputs?.imageId)).toEqual([
      "ami-0123456789abcdef0",
      "ami-fedcba98765432100",
    ]);
    expect(plan.get("BucketServerSideEncryptionConfiguration::files").inputs?.rules).toEqual([
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key },
        bucketKeyEnabled: true,
      },
    ]);
    expect(plan.get("Role::machines").inputs?.permissionsBoundary).toBe(boundary);
    const { Statement } = JSON.parse(String(plan.get("RolePolicy::machines").inputs?.policy));
    expect(Statement).toContainEqual({
      Sid: "UseKey",
      Effect: "Allow",
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Resource: key,
    });
  });
});
