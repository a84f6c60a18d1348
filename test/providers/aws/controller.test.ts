// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { planExample, type StackPlan } from "../../support/plan.ts";
import { problemsOf } from "./problems.ts";

const allow = ["198.51.100.7/32"];
const certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-0123456789ab";

describe("a stack with a controller on AWS", { timeout: 60_000 }, () => {
  let plan: StackPlan;
  const inputs = (name: string) => plan.get(name).inputs ?? {};

  beforeAll(async () => {
    const images = { gold: "ami-0123456789abcdef0" };
    const flavors = { big: "large", arm: "m7g.large" };
    const controller = { allow, certificate, host: "peak.example.org", maxMachines: 6, flavors, images };
    plan = await planExample("aws-two-clusters", { controller });
  });

  it("has an empty auto-scaling group of each flavor and image beside each, in the cluster's target group", () => {
    const groups = plan.byType("Group").map(({ urn }) => urn.split("::").at(-1));
    const peaks = ["big", "big-gold", "arm", "arm-gold"].flatMap((peak) => [
      `cluster1-${peak}`,
      `cluster2-${peak}`,
    ]);
    expect(new Set(groups)).toEqual(new Set(["cluster1", "cluster2", "controller", ...peaks]));
    for (const peak of peaks) {
      const cluster = peak.slice(0, 8);
      expect(inputs(`Group::${peak}`)).toMatchObject({
        minSize: 0,
        maxSize: 6,
        desiredCapacity: 0,
        targetGroupArns: [`\${TargetGroup:${cluster}.arn}`],
        vpcZoneIdentifiers: inputs(`Group::${cluster}`).vpcZoneIdentifiers,
      });
      expect(plan.get(`Group::${peak}`).ignoreChanges).toEqual(["desiredCapacity"]);
    }
    expect(inputs("LaunchTemplate::cluster1-arm-gold")).toMatchObject({
      instanceType: "m7g.large",
      imageId: "ami-0123456789abcdef0",
    });
    expect(inputs("LaunchTemplate::cluster1-big").imageId).toBe(inputs("LaunchTemplate::cluster1").imageId);
    expect(plan.byType("TargetGroup")).toHaveLength(3);
  });

  it("lets the controller set the size of these groups, and neither run machines nor touch files", () => {
    const policy = JSON.parse(String(inputs("RolePolicy::controller").policy));
    const statements = Object.fromEntries(
      policy.Statement.map(({ Sid, Action, Resource }: Record<string, unknown>) => [Sid, [Action, Resource]]),
    );
    expect(Object.keys(statements)).toEqual([
      "FetchBuild",
      "KeepDocument",
      "FindDocument",
      "SetSizes",
      "See",
      "SessionManager",
    ]);
    expect(statements.KeepDocument).toEqual([["s3:GetObject", "s3:PutObject"], "${files.arn}/controller/*"]);
    const [action, groups] = statements.SetSizes;
    expect(action).toBe("autoscaling:SetDesiredCapacity");
    expect(groups).toHaveLength(8);
    expect(groups).toContain(
      "arn:aws:autoscaling:us-east-1:*:autoScalingGroup:*:autoScalingGroupName/${Group:cluster1-big.name}",
    );
    expect(statements.See[0].every((name: string) => /:Describe/.test(name))).toBe(true);
    const profile = (name: string) => inputs(`LaunchTemplate::${name}`).iamInstanceProfile;
    expect(profile("controller")).toEqual({ arn: "${InstanceProfile:controller.arn}" });
    for (const name of ["cluster1", "cluster1-big"])
      expect(profile(name)).toEqual({ arn: "${InstanceProfile:machines.arn}" });
    const ofMachines = JSON.parse(String(inputs("RolePolicy::machines").policy));
    expect(JSON.stringify(ofMachines)).not.toMatch(/autoscaling|controller/);
  });

  it("is reached by its own load balancer, behind a firewall of its own", () => {
    const sources = (prefix: string) =>
      plan
        .byType("SecurityGroupIngressRule")
        .map(({ inputs }) => inputs ?? {})
        .filter(({ securityGroupId }) => securityGroupId === `\${SecurityGroup:${prefix}.id}`)
        .map(({ fromPort, cidrIpv4 }) => `${fromPort} ${cidrIpv4}`);
    expect(sources("controller")).toEqual(["443 198.51.100.7/32", "8081 198.51.100.7/32"]);
    expect(sources("edge")).toEqual(["80 0.0.0.0/0"]);
    expect(inputs("aws:lb/loadBalancer:LoadBalancer::controller").securityGroups).toEqual([
      "${SecurityGroup:controller.id}",
    ]);
    expect(inputs("Listener::controller-https")).toMatchObject({
      port: 443,
      certificateArn: certificate,
      defaultActions: [{ type: "forward" }],
    });
    expect(inputs("SecurityGroupIngressRule::app-80-from-controller")).toMatchObject({
      securityGroupId: "${SecurityGroup:app.id}",
      referencedSecurityGroupId: "${SecurityGroup:controller.id}",
    });
    expect(plan.outputs.controllerUrl).toBe("https://peak.example.org");
  });
});

it("refuses what AWS cannot do with it", async () => {
  const problems = await problemsOf({
    controller: {
      certificate: "mine",
      images: { gold: "Ubuntu" },
      flavors: { big: "x9.huge" },
      maxMachines: 2,
    },
  });
  expect(problems).toEqual([
    expect.stringContaining("controller.allow is missing; say who may reach the controller"),
    expect.stringContaining('controller.certificate is "mine"; it must be an ACM certificate\'s ARN'),
    expect.stringContaining('controller.flavors.big is "x9.huge"'),
    expect.stringContaining("controller.host is missing; say which name the certificate is for"),
    expect.stringContaining('controller.images.gold is "Ubuntu"; it must be an image\'s id'),
  ]);
});
