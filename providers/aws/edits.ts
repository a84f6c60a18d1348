import type { Claim, CloudEdits } from "../../plan/compare/cloud-edits.ts";
import { simpleType } from "../../plan/labels.ts";
import type { InputsOfType } from "../../plan/openings.ts";
import type { PlannedResource } from "../../plan/plan.ts";
import { layout } from "./layout.ts";
import { replacements } from "./replacements.ts";

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
  MetricAlarm: (inputs) => named(inputs),
  Subnet: ({ vpcId, cidrBlock }) => [{ of: "range", key: [vpcId], range: String(cidrBlock) }],
  Topic: (inputs) => named(inputs),
  TopicPolicy: ({ arn }) => [{ of: "policy", key: [arn] }],
  TopicSubscription: ({ topic, endpoint }) => [{ of: "subscription", key: [topic, endpoint] }],
};

function ruleOf(inputs: Inputs): Claim[] {
  const { securityGroupId, fromPort, cidrIpv4, referencedSecurityGroupId } = inputs;
  return [{ of: "rule", key: [securityGroupId, fromPort, cidrIpv4 ?? referencedSecurityGroupId] }];
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

const listed = (value: string | readonly string[] | undefined) => [value ?? []].flat();

/** A policy's statements, an action on a resource in a line each; what is no JSON, as it is. */
function policyLines(policy: unknown): string[] {
  if (typeof policy !== "string") return [];
  try {
    const { Statement = [] } = JSON.parse(policy) as { Statement?: Statement | readonly Statement[] };
    return [Statement].flat().flatMap(statementLines);
  } catch {
    return [policy];
  }
}

function statementLines({ Effect, Action, NotAction, Resource, Principal, Condition }: Statement): string[] {
  const actions = [...listed(Action), ...listed(NotAction).map((action) => `all but ${action}`)];
  const resources = Resource === undefined ? [""] : listed(Resource).map((one) => ` on ${one}`);
  const who = Principal === undefined ? "" : ` for ${plain(Principal)}`;
  const when = Condition === undefined ? "" : ` if ${plain(Condition)}`;
  return actions.flatMap((action) =>
    resources.map((resource) => `${Effect.toLowerCase()} ${action}${resource}${who}${when}`),
  );
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Statements of the policies of roles and buckets, and a role's policies that stand elsewhere. */
function rights({ inputs = {} }: InputsOfType): string[] {
  const { managedPolicyArns, permissionsBoundary, assumeRolePolicy, policy } = inputs;
  const elsewhere = Array.isArray(managedPolicyArns) ? managedPolicyArns : [];
  return [
    ...elsewhere.map((arn) => `allow all that ${arn} allows`),
    ...(typeof permissionsBoundary === "string"
      ? [`deny all that ${permissionsBoundary} does not allow`]
      : []),
    ...policyLines(assumeRolePolicy),
    ...policyLines(policy),
  ];
}

/** What EC2, Elastic Load Balancing, IAM and S3 make of edits, and refuse while a deployment goes on. */
export const edits: CloudEdits = {
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
  data: { "aws:s3/bucket:Bucket": "forceDestroy" },
  rights,
  checks: { "switchyard:aws:Layout": layout },
  places: { "aws:autoscaling/group:Group": "vpcZoneIdentifiers" },
  newCluster:
    "its path, and its share of requests, are answered 503 until its machines are healthy: give it the weight 0 first, then its weight",
  otherPath: "new machines answer at the new path alone, old ones at the old one, until they are replaced",
};
