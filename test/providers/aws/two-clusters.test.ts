// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { planExample, type StackPlan } from "../../support/plan.ts";

const arn = (cluster: string) => `\${TargetGroup:${cluster}.arn}`;

describe("two clusters behind path rules (R3)", { timeout: 120_000 }, () => {
  let plan: StackPlan;
  const inputs = (name: string) => plan.get(name).inputs;

  beforeAll(async () => {
    plan = await planExample("aws-two-clusters", {
      app: { port: 80, root: "health", environment: { GREETING: "hello" } },
    });
  });

  it("is in us-east-1, a subnet in each of two zones", () => {
    const zones = plan.byType("Subnet").map((subnet) => subnet.inputs?.availabilityZone);
    expect(zones).toEqual(["us-east-1a", "us-east-1b"]);
  });

  it.each([
    ["cluster1", "m4.large", 5, "10.0.1.0/24"],
    ["cluster2", "t2.large", 4, "10.0.2.0/24"],
  ])("has %s of R3.1: machine type %s, %i of them", (name, instanceType, desiredCapacity, subnet) => {
    const template = inputs(`LaunchTemplate::${name}`);
    expect(template).toMatchObject({
      instanceType,
      imageId:
        "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
    });
    expect(inputs(`Group::${name}`)).toMatchObject({
      minSize: 4,
      maxSize: 5,
      desiredCapacity,
      vpcZoneIdentifiers: [`\${Subnet:sn-${subnet}.id}`],
      targetGroupArns: [arn(name)],
    });
    expect(inputs(`TargetGroup::${name}`)).toMatchObject({ port: 80, protocol: "HTTP" });
    const script = Buffer.from(String(template?.userData), "base64").toString();
    const app = [`CLUSTER=${name}`, `CLUSTER_PATH=/${name}`, "ROOT=health", "GREETING=hello"];
    for (const line of ["PORT='80'", ...app.map((variable) => `  '${variable}'`)]) {
      expect(script.split("\n")).toContain(line);
    }
  });

  it("keeps to the configured number where one is given, and leaves it to an autoscaler elsewhere", () => {
    expect(plan.get("Group::cluster1")).not.toHaveProperty("ignoreChanges");
    expect(plan.get("Group::cluster2").ignoreChanges).toEqual(["desiredCapacity"]);
  });

  it("has the load balancer of R3.2: equal weights, then rules in the clusters' order", () => {
    expect(inputs("aws:lb/loadBalancer:LoadBalancer::edge")).toMatchObject({
      internal: false,
      loadBalancerType: "application",
    });
    expect(inputs("Listener::http")).toMatchObject({
      loadBalancerArn: "${edge.arn}",
      port: 80,
      protocol: "HTTP",
      defaultActions: [
        {
          type: "forward",
          forward: {
            targetGroups: [
              { arn: arn("cluster1"), weight: 1 },
              { arn: arn("cluster2"), weight: 1 },
            ],
          },
        },
      ],
    });
    const rules = plan.byType("ListenerRule").map((rule) => rule.inputs);
    const rule = (name: string, priority: number) => ({
      listenerArn: "${Listener:http.arn}",
      priority,
      conditions: [{ pathPattern: { values: [`/${name}`, `/${name}/*`] } }],
      actions: [{ type: "forward", targetGroupArn: arn(name) }],
      tags: { Name: `switchyard-${name}`, project_name: "switchyard" },
    });
    // The order is what counts, and numbers that follow from the paths.
    expect(rules).toEqual([rule("cluster1", 45_530), rule("cluster2", 45_531)]);
  });

  it("has the health check of R3.3", () => {
    for (const group of plan.byType("TargetGroup")) {
      expect(group.inputs?.healthCheck).toEqual({
        protocol: "HTTP",
        port: "80",
        path: "/",
        matcher: "200",
        interval: 30,
        timeout: 5,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      });
    }
  });

  it("lets in what the lab lets in (R3.4)", () => {
    const open = plan
      .byType("SecurityGroupIngressRule")
      .filter((rule) => rule.inputs?.cidrIpv4 === "0.0.0.0/0")
      .map((rule) => `${rule.inputs?.securityGroupId} ${rule.inputs?.fromPort}`);
    expect(open.sort()).toEqual([
      "${SecurityGroup:app.id} 22",
      "${SecurityGroup:app.id} 443",
      "${SecurityGroup:app.id} 80",
      "${SecurityGroup:edge.id} 80",
    ]);
  });

  it("waits for every machine (R3.5), for as long as a rollout may take", () => {
    expect(inputs("ready")).toMatchObject({
      url: "http://${edge.dnsName}",
      address: "${edge.dnsName}",
      clusters: [
        { name: "cluster1", path: "/cluster1", machines: 5 },
        { name: "cluster2", path: "/cluster2", machines: 4 },
      ],
      timeoutSeconds: 60 + 120 + (120 + 60) + 30 + 60,
    });
    for (const part of ["Group::cluster1", "Group::cluster2", "Listener::http", "ListenerRule::/cluster2"]) {
      const needsPart = part.startsWith("Group") ? part.replace("Group", "TargetGroup") : part;
      expect(plan.dependsOn("ready", needsPart), needsPart).toBe(true);
    }
  });

  it("tells what finds the machines again", () => {
    expect(plan.outputs.clusters).toEqual({
      cluster1: {
        size: 5,
        machineType: "m4.large",
        group: "${Group:cluster1.name}",
        path: "/cluster1",
        weight: 1,
      },
      cluster2: {
        size: 4,
        machineType: "t2.large",
        group: "${Group:cluster2.name}",
        path: "/cluster2",
        weight: 1,
      },
    });
  });
});

describe("other configurations", { timeout: 120_000 }, () => {
  it("takes arm64 images and Node.js for a Graviton cluster", async () => {
    const plan = await planExample("aws-two-clusters", {
      clusters: [{ name: "arm", machineType: "t4g.small", min: 1 }],
    });
    expect(plan.get("LaunchTemplate::arm").inputs?.imageId).toContain("/arm64/");
    expect(plan.byType("StoredObject").map(({ inputs }) => inputs?.key)).toEqual([
      expect.stringMatching(/^releases\//),
      expect.stringMatching(/^runtimes\/node-linux-arm64-/),
    ]);
  });

  it("answers 404 where no cluster has a weight", async () => {
    const clusters = [{ name: "only", min: 1, path: "/only", weight: 0 }];
    const plan = await planExample("aws-two-clusters", { clusters });
    expect(plan.get("Listener::http").inputs?.defaultActions).toEqual([
      {
        type: "fixed-response",
        fixedResponse: { contentType: "text/plain", statusCode: "404", messageBody: "Not found" },
      },
    ]);
  });

  it("serves HTTPS with a certificate, and redirects HTTP to it", async () => {
    const certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-0123456789ab";
    const loadBalancer = { allow: ["192.0.2.0/24"], certificate, host: "api.example.org" };
    const plan = await planExample("aws-two-clusters", { loadBalancer });
    expect(plan.get("Listener::https").inputs).toMatchObject({
      port: 443,
      protocol: "HTTPS",
      certificateArn: certificate,
      sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      defaultActions: [{ type: "forward" }],
    });
    expect(plan.get("Listener::http").inputs).toMatchObject({
      port: 80,
      protocol: "HTTP",
      defaultActions: [
        { type: "redirect", redirect: { protocol: "HTTPS", port: "443", statusCode: "HTTP_301" } },
      ],
    });
    expect(plan.dependencies("Listener::http")).toContain(plan.get("Listener::https"));
    for (const rule of plan.byType("ListenerRule"))
      expect(rule.inputs?.listenerArn).toBe("${Listener:https.arn}");
    const edge = plan
      .byType("SecurityGroupIngressRule")
      .filter((rule) => rule.inputs?.securityGroupId === "${SecurityGroup:edge.id}")
      .map((rule) => [rule.inputs?.fromPort, rule.inputs?.cidrIpv4]);
    expect(edge.sort()).toEqual([
      [443, "192.0.2.0/24"],
      [80, "192.0.2.0/24"],
    ]);
    expect(plan.outputs).toMatchObject({ url: "https://api.example.org", address: "${edge.dnsName}" });
  });

  it("makes a key pair of the SSH key, and none without", async () => {
    const sshKey =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example.org";
    const plan = await planExample("aws-two-clusters", { sshKey, clusters: undefined });
    expect(plan.get("KeyPair::app").inputs).toMatchObject({ publicKey: sshKey });
    expect(plan.get("LaunchTemplate::app").inputs?.keyName).toBe("${KeyPair:app.keyName}");
    const without = await planExample("aws-two-clusters");
    expect(without.byType("KeyPair")).toEqual([]);
    expect(without.get("LaunchTemplate::cluster1").inputs).not.toHaveProperty("keyName");
  });

  it("puts the load balancer into one subnet of each zone", async () => {
    const zones = ["us-east-1a", "us-east-1a", "us-east-1b"];
    const subnets = zones.map((zone, index) => ({ cidr: `10.0.${index}.0/24`, zone }));
    const plan = await planExample("aws-two-clusters", {
      network: { cidr: "10.0.0.0/16", subnets },
      clusters: undefined,
    });
    expect(plan.get("aws:lb/loadBalancer:LoadBalancer::edge").inputs?.subnets).toEqual([
      "${Subnet:sn-10.0.0.0/24.id}",
      "${Subnet:sn-10.0.2.0/24.id}",
    ]);
    expect(plan.get("Group::app").inputs?.vpcZoneIdentifiers).toHaveLength(3);
  });

  it("keeps a share of a cluster when it is rolled, within what AWS allows", async () => {
    const plan = await planExample("aws-two-clusters", {
      rollout: { minHealthyPercent: 50, timeoutSeconds: 300 },
    });
    expect(plan.get("Group::cluster1").inputs).toMatchObject({
      healthCheckGracePeriod: 300,
      waitForCapacityTimeout: "0",
      instanceRefresh: {
        strategy: "Rolling",
        preferences: {
          minHealthyPercentage: 50,
          maxHealthyPercentage: 150,
          instanceWarmup: "360",
          autoRollback: false,
        },
      },
    });
  });
});
