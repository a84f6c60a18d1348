// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { planExample, type StackPlan } from "../../support/plan.ts";

describe("a file API behind a load balancer (R2)", { timeout: 120_000 }, () => {
  let plan: StackPlan;
  const inputs = (name: string) => plan.get(name).inputs;

  beforeAll(async () => {
    plan = await planExample("aws-file-api");
  });

  it("has the VPC of R2.7", () => {
    expect(inputs("Vpc::network")).toEqual({
      cidrBlock: "10.0.0.0/16",
      enableDnsHostnames: true,
      enableDnsSupport: true,
      tags: { project_name: "day02", Name: "day02-vpc" },
    });
  });

  it.each([
    [1, "10.0.1.0/24", "eu-west-1a"],
    [2, "10.0.2.0/24", "eu-west-1b"],
  ])("has the subnet %i of R2.8 and R2.9", (number, cidrBlock, availabilityZone) => {
    const Name = `day02-sn-pub-${number}`;
    expect(inputs(`Subnet::sn-${cidrBlock}`)).toEqual({
      vpcId: "${Vpc:network.id}",
      cidrBlock,
      availabilityZone,
      mapPublicIpOnLaunch: true,
      tags: { project_name: "day02", Name },
    });
    expect(inputs(`RouteTableAssociation::sn-${cidrBlock}`)).toEqual({
      routeTableId: "${RouteTable:rt.id}",
      subnetId: `\${Subnet:sn-${cidrBlock}.id}`,
    });
  });

  it("has the gateway and the route of R2.9", () => {
    expect(inputs("igw")).toMatchObject({ vpcId: "${Vpc:network.id}", tags: { Name: "day02-igw" } });
    expect(inputs("rt")).toMatchObject({ vpcId: "${Vpc:network.id}", tags: { Name: "day02-rt" } });
    expect(inputs("internet")).toEqual({
      routeTableId: "${RouteTable:rt.id}",
      destinationCidrBlock: "0.0.0.0/0",
      gatewayId: "${InternetGateway:igw.id}",
    });
  });

  it("has the machines' security group of R2.10", () => {
    expect(plan.get("SecurityGroup::app")).toMatchObject({
      inputs: { name: "day02-flask-sg", vpcId: "${Vpc:network.id}" },
    });
    const open = plan
      .byType("SecurityGroupIngressRule")
      .map((rule) => rule.inputs)
      .filter((rule) => rule?.securityGroupId === "${SecurityGroup:app.id}" && rule.cidrIpv4 === "0.0.0.0/0");
    expect(open.map((rule) => [rule?.fromPort, rule?.toPort, rule?.ipProtocol])).toEqual([
      [22, 22, "tcp"],
      [5000, 5000, "tcp"],
    ]);
  });

  it("has the machines of R2.10: type, role, and user data that start the app", () => {
    const template = inputs("LaunchTemplate::flask");
    expect(template).toMatchObject({
      instanceType: "t2.micro",
      iamInstanceProfile: { arn: "${InstanceProfile:machines.arn}" },
      vpcSecurityGroupIds: ["${SecurityGroup:app.id}"],
    });
    expect(plan.get("Role::machines")).toMatchObject({ inputs: { name: "s3_access" } });
    expect(inputs("InstanceProfile::machines")).toMatchObject({ name: "s3_access", role: "s3_access" });
    expect(plan.dependsOn("LaunchTemplate::flask", "Role::machines")).toBe(true);
    const script = Buffer.from(String(template?.userData), "base64").toString();
    expect(script).toMatch(/^#!.*\bbash\n/);
    for (const line of [
      "BUCKET='${files.bucket}'",
      "AWS_REGION='eu-west-1'",
      "PORT='5000'",
      `RELEASE_KEY='releases/${plan.outputs.release}.tar.gz'`,
      `RUNTIME_KEY='${inputs("StoredObject::runtime-linux-x64")?.key}'`,
      "  'PROJECT=day02'",
      "  'ROOT=greeting'",
      "  'STORE=s3'",
      "  'BUCKET=${files.bucket}'",
      "  'AWS_REGION=eu-west-1'",
    ]) {
      expect(script.split("\n")).toContain(line);
    }
    expect(script.endsWith("\nmain\n")).toBe(true);
  });

  it("has the auto-scaling group of R2.11", () => {
    const group = plan.get("Group::flask");
    expect(group.inputs).toMatchObject({
      minSize: 2,
      maxSize: 2,
      desiredCapacity: 2,
      vpcZoneIdentifiers: ["${Subnet:sn-10.0.1.0/24.id}", "${Subnet:sn-10.0.2.0/24.id}"],
      healthCheckType: "ELB",
    });
    expect(group.inputs?.tags).toContainEqual({
      key: "Autoscaling Flask",
      value: "flask-asg",
      propagateAtLaunch: true,
    });
    // Create-before-delete is what the engine does unless it is told otherwise.
    expect(group).not.toHaveProperty("deleteBeforeReplace");
    expect(group.inputs?.instanceRefresh).toMatchObject({
      preferences: { minHealthyPercentage: 100, maxHealthyPercentage: 200 },
    });
  });

  it("has the billing alarm of R2.14, where AWS tells charges, whatever the stack's region", () => {
    const region = "us-east-1";
    const tags = { project_name: "day02" };
    expect(inputs("Topic::BillingAlarm")).toEqual({ region, name: "BillingAlarm", tags });
    expect(inputs("TopicSubscription::budget")).toEqual({
      region,
      topic: "${Topic:BillingAlarm.arn}",
      protocol: "email",
      endpoint: "me@example.org",
    });
    expect(inputs("MetricAlarm::budget")).toEqual({
      region,
      alarmDescription: "The account's charges of this month reach 1 USD.",
      namespace: "AWS/Billing",
      metricName: "EstimatedCharges",
      dimensions: { Currency: "USD" },
      statistic: "Maximum",
      period: 21_600,
      evaluationPeriods: 1,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      alarmActions: ["${Topic:BillingAlarm.arn}"],
      tags,
    });
    const { arn, policy } = inputs("TopicPolicy::budget") ?? {};
    expect(arn).toBe("${Topic:BillingAlarm.arn}");
    expect(JSON.parse(String(policy)).Statement).toEqual([
      {
        Sid: "Alarms",
        Effect: "Allow",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: "sns:Publish",
        Resource: arn,
        Condition: {
          StringEquals: { "aws:SourceAccount": "${Topic:BillingAlarm.owner}" },
          ArnLike: { "aws:SourceArn": "arn:aws:cloudwatch:us-east-1:${Topic:BillingAlarm.owner}:alarm:*" },
        },
      },
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "sns:Publish",
        Resource: arn,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]);
  });

  it("has the load balancer of R2.12", () => {
    expect(inputs("aws:lb/loadBalancer:LoadBalancer::edge")).toMatchObject({
      loadBalancerType: "application",
      internal: false,
      securityGroups: ["${SecurityGroup:edge.id}"],
      subnets: ["${Subnet:sn-10.0.1.0/24.id}", "${Subnet:sn-10.0.2.0/24.id}"],
      enableCrossZoneLoadBalancing: true,
    });
    expect(inputs("edge-5000-from-0.0.0.0/0")).toMatchObject({
      securityGroupId: "${SecurityGroup:edge.id}",
      cidrIpv4: "0.0.0.0/0",
      fromPort: 5000,
      toPort: 5000,
    });
    expect(inputs("Listener::http")).toMatchObject({ port: 5000, protocol: "HTTP" });
    expect(inputs("TargetGroup::flask")).toMatchObject({
      port: 5000,
      targetType: "instance",
      healthCheck: { port: "5000", path: "/healthz", interval: 30, healthyThreshold: 2 },
    });
    expect(plan.outputs).toMatchObject({ address: "${edge.dnsName}", url: "http://${edge.dnsName}:5000" });
    expect(inputs("ready")).toMatchObject({
      url: "http://${edge.dnsName}:5000",
      clusters: [{ name: "flask", machines: 2 }],
    });
  });

  it("has a bucket named for the project (R2.1) that destroy keeps (R2.15)", () => {
    expect(inputs("aws:s3/bucket:Bucket::files")).toMatchObject({
      bucketPrefix: "day02-",
      forceDestroy: false,
    });
    const own = plan.resources.filter(({ protect }) => protect).map(({ type }) => type.replace(/.*:/, ""));
    expect(own.sort()).toEqual([
      "Bucket",
      "Bucket",
      "BucketLifecycleConfiguration",
      "BucketOwnershipControls",
      "BucketPolicy",
      "BucketPublicAccessBlock",
      "BucketServerSideEncryptionConfiguration",
      "BucketVersioning",
    ]);
  });

  it("needs nothing that is protected to be deleted with the rest", () => {
    const kept = plan.resources.filter(({ protect }) => protect);
    for (const { urn, dependencies } of kept) {
      const others = plan.dependencies(urn).filter(({ protect }) => !protect);
      expect(others, `${urn}: ${dependencies}`).toEqual([]);
    }
  });
});
