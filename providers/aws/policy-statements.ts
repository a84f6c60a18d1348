import { valueAt } from "../../plan/policy/checks.ts";
import type { Breach } from "../../plan/policy/policy.ts";

interface Statement {
  readonly Sid?: string;
  readonly Effect?: string;
  readonly Action?: unknown;
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

/**
 * Actions that know no resources, so that `*` is all that can stand there
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
 * That of Systems Manager knows instances, and the machine's own has no name before the machine is there.
 */
export const withoutResources: ReadonlySet<string> = new Set([
  "autoscaling:DescribeAutoScalingGroups",
  "autoscaling:DescribeInstanceRefreshes",
  "autoscaling:DescribeLoadBalancerTargetGroups",
  "autoscaling:DescribePolicies",
  "autoscaling:DescribeScalingActivities",
  "autoscaling:DescribeTrafficSources",
  "autoscaling:DescribeWarmPool",
  "ec2:DescribeAccountAttributes",
  "ec2:DescribeAddresses",
  "ec2:DescribeAddressesAttribute",
  "ec2:DescribeFlowLogs",
  "ec2:DescribeImages",
  "ec2:DescribeInstances",
  "ec2:DescribeInstanceTypes",
  "ec2:DescribeInternetGateways",
  "ec2:DescribeKeyPairs",
  "ec2:DescribeLaunchTemplates",
  "ec2:DescribeLaunchTemplateVersions",
  "ec2:DescribeNatGateways",
  "ec2:DescribeNetworkAcls",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribePrefixLists",
  "ec2:DescribeRouteTables",
  "ec2:DescribeSecurityGroupRules",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSnapshots",
  "ec2:DescribeSubnets",
  "ec2:DescribeVpcEndpoints",
  "ec2:DescribeVpcs",
  "elasticloadbalancing:DescribeCapacityReservation",
  "elasticloadbalancing:DescribeListenerAttributes",
  "elasticloadbalancing:DescribeListeners",
  "elasticloadbalancing:DescribeLoadBalancerAttributes",
  "elasticloadbalancing:DescribeLoadBalancers",
  "elasticloadbalancing:DescribeRules",
  "elasticloadbalancing:DescribeTags",
  "elasticloadbalancing:DescribeTargetGroupAttributes",
  "elasticloadbalancing:DescribeTargetGroups",
  "logs:CreateLogDelivery",
  "logs:DeleteLogDelivery",
  "sns:GetSubscriptionAttributes",
  "sns:SetSubscriptionAttributes",
  "sns:Unsubscribe",
  "ssm:UpdateInstanceInformation",
  "ssmmessages:CreateControlChannel",
  "ssmmessages:CreateDataChannel",
  "ssmmessages:OpenControlChannel",
  "ssmmessages:OpenDataChannel",
]);

/** Amazon's own policies that allow everything, or everything of a service. */
const widePolicy = /:aws:policy\/.*(AdministratorAccess|PowerUserAccess|FullAccess)/;

const listed = (value: unknown): string[] => (value === undefined ? [] : [value].flat().map(String));

/** Statements that allow something; none of a text that is not known yet. */
function allowing(text: unknown): readonly Statement[] {
  if (typeof text !== "string" || !text.startsWith("{")) return [];
  const { Statement = [] } = JSON.parse(text) as { Statement?: Statement | readonly Statement[] };
  return [Statement].flat().filter(({ Effect }) => Effect === "Allow");
}

const called = ({ Sid }: Statement) => (Sid === undefined ? "a statement" : `the statement ${Sid}`);

/** What a bucket's policy lets everybody do. */
export function publicStatements(inputs: unknown): Breach[] {
  return allowing(valueAt(inputs, "policy"))
    .filter(({ Principal, Condition }) => {
      const who =
        typeof Principal === "object" && Principal !== null ? Object.values(Principal).flat() : [Principal];
      return Condition === undefined && who.includes("*");
    })
    .map((statement) => ({ property: "policy", found: `lets everybody in, by ${called(statement)}` }));
}

/** Rights to everything, in policies and in what policies a role is given. */
export function wideStatements(inputs: unknown): Breach[] {
  const attached = [...listed(valueAt(inputs, "managedPolicyArns")), ...listed(valueAt(inputs, "policyArn"))]
    .filter((arn) => widePolicy.test(arn))
    .map((arn) => ({
      property: "policyArn",
      found: `is ${arn}, which allows everything of a service or of all`,
    }));
  const property = "policy";
  const stated = allowing(valueAt(inputs, property)).flatMap((statement): Breach[] => {
    const actions = listed(statement.Action);
    const wide = actions.filter((action) => action.includes("*"));
    const unlisted = actions.filter((action) => !withoutResources.has(action));
    const said = [
      ...wide.map((action) => `allows ${action}`),
      ...("NotAction" in statement ? ["allows all but some actions (NotAction)"] : []),
      ...("NotResource" in statement ? ["allows it on all but some resources (NotResource)"] : []),
      ...(listed(statement.Resource).includes("*") && unlisted.length > 0
        ? [`allows ${unlisted.join(", ")} on every resource`]
        : []),
    ];
    return said.map((what) => ({ property, found: `${what}, by ${called(statement)}` }));
  });
  return [...attached, ...stated];
}
