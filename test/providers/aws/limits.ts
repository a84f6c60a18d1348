import { simpleType } from "../../../plan/labels.ts";
import type { PlannedResource } from "../../../plan/plan.ts";
import { replacements } from "../../../providers/aws/replacements.ts";
import type { Claim, CloudLimits } from "../../support/edits.ts";

type Inputs = NonNullable<PlannedResource["inputs"]>;
type Find = (token: unknown) => PlannedResource | undefined;

const named = (inputs: Inputs, property = "name"): Claim[] =>
  inputs[property] === undefined ? [] : [{ of: "name", key: [inputs[property]] }];

/** The target groups of a listener's or rule's actions: each may be behind one load balancer alone. */
function forwards(actions: unknown, balancer: unknown): Claim[] {
  const arns = JSON.stringify(actions ?? "").match(/\$\{TargetGroup:[^}]*\.arn\}/g) ?? [];
  return [...new Set(arns)].map((arn) => ({ of: "target group", key: [arn], unless: String(balancer) }));
}

const claims: Readonly<Record<string, (inputs: Inputs, find: Find) => Claim[]>> = {
  Bucket: (inputs) => named(inputs, "bucket"),
  DefaultSecurityGroup: ({ vpcId }) => [{ of: "default group", key: [vpcId] }],
  InstanceProfile: (inputs) => named(inputs),
  InternetGateway: ({ vpcId }) => [{ of: "gateway", key: [vpcId] }],
  Listener: ({ loadBalancerArn, port, defaultActions }) => [
    { of: "port", key: [loadBalancerArn, port] },
    ...forwards(defaultActions, loadBalancerArn),
  ],
  ListenerRule: ({ listenerArn, priority, actions }, find) => [
    { of: "priority", key: [listenerArn, priority] },
    ...forwards(actions, find(listenerArn)?.inputs?.loadBalancerArn),
  ],
  LoadBalancer: (inputs) => named(inputs),
  Role: (inputs) => named(inputs),
  Route: ({ routeTableId, destinationCidrBlock }) => [
    { of: "route", key: [routeTableId, destinationCidrBlock] },
  ],
  RouteTableAssociation: ({ subnetId }) => [{ of: "route table", key: [subnetId] }],
  SecurityGroup: ({ vpcId, name }) => (name === undefined ? [] : [{ of: "name", key: [vpcId, name] }]),
  SecurityGroupEgressRule: ruleOf,
  SecurityGroupIngressRule: ruleOf,
  Subnet: ({ vpcId, cidrBlock }) => [{ of: "range", key: [vpcId], range: String(cidrBlock) }],
};

function ruleOf(inputs: Inputs): Claim[] {
  const { securityGroupId, fromPort, cidrIpv4, referencedSecurityGroupId } = inputs;
  return [{ of: "rule", key: [securityGroupId, fromPort, cidrIpv4 ?? referencedSecurityGroupId] }];
}

/** What EC2, Elastic Load Balancing, IAM and S3 refuse while a deployment goes on. */
export const limits: CloudLimits = {
  replacements,
  claims({ type, inputs = {} }, find) {
    const kind = simpleType(type);
    return (claims[kind]?.(inputs, find) ?? []).map((claim) =>
      claim.of === "target group" ? claim : { ...claim, key: [kind, ...claim.key] },
    );
  },
  // A launch template gets no new version by tags of its own.
  rolls: ({ op, after, changed }) =>
    op === "update" &&
    simpleType(after?.type ?? "") === "LaunchTemplate" &&
    changed.some((name) => name !== "tags"),
  immovable: ["InternetGateway.vpcId", "LoadBalancer.subnets", "Group.vpcZoneIdentifiers"],
};
