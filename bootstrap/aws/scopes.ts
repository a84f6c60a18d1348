import { type MachineNames, namesOf } from "./names.ts";

/** A statement of a policy that allows something, or denies it. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[] | string;
  readonly Resource: readonly string[] | string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Some actions, and what they may be done with. */
export type Scope = Omit<Statement, "Effect" | "Action"> & { readonly Action: readonly string[] };

/** What is deployed, in AWS's words. */
export interface Place extends MachineNames {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  /** ARN of the policy without which no role may be made. */
  readonly boundary: string;
  /** ARN of the key that the bucket's objects are encrypted with. */
  readonly encryptionKey?: string;
}

/** The services whose roles are made for them, once in an account, when they are first used. */
const serviceRoles = ["autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com"];

/** AWS's charges, and the alarm on them, are in this region alone. */
const billingRegion = "us-east-1";

const tag = "project_name";

/**
 * What each action that knows resources may be done with: what has this deployment's tag (it is given when something is made,
 * and asked for ever after), or its names, where a service does not look at tags. An action of these may stand in several: what
 * it makes has the tag in the request, what it is made in has it already. What condition keys an action knows is in each
 * service's page of the service authorization reference, which permissions.ts names.
 *
 * @param folders which of the bucket's objects; `*` is all
 */
export function scopesOf(place: Place, folders: readonly string[]): readonly Scope[] {
  const { partition, region, account, project, boundary, encryptionKey } = place;
  const arn = (service: string, resource: string, where = region, owner = account) =>
    `arn:${partition}:${service}:${where}:${owner}:${resource}`;
  const ec2 = (...types: readonly string[]) => types.map((type) => arn("ec2", `${type}/*`));
  const balancing = (...types: readonly string[]) =>
    types.map((type) => arn("elasticloadbalancing", `${type}/*`));
  const names = namesOf(place);
  const roles = names.roles.map((name) => arn("iam", `role/${name}`, ""));
  const profiles = names.roles.map((name) => arn("iam", `instance-profile/${name}`, ""));
  const buckets = names.buckets.map((name) => arn("s3", name, "", ""));
  const group = arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*");
  const topic = arn("sns", names.topic, billingRegion);
  const asked = { StringEquals: { [`aws:RequestTag/${tag}`]: project } };
  const has = { StringEquals: { [`aws:ResourceTag/${tag}`]: project } };
  const bounded = { StringEquals: { "iam:PermissionsBoundary": boundary } };
  return [
    {
      Sid: "Make",
      Action: [
        "ec2:AllocateAddress",
        "ec2:CreateInternetGateway",
        "ec2:CreateLaunchTemplate",
        "ec2:CreateVpc",
        "ec2:ImportKeyPair",
      ],
      Resource: ec2("elastic-ip", "internet-gateway", "key-pair", "launch-template", "vpc"),
      Condition: asked,
    },
    // What is made in something is not in one statement with that, whose own tag would not be asked for.
    {
      Sid: "MakeInVpc",
      Action: ["ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet"],
      Resource: ec2("route-table", "security-group", "subnet"),
      Condition: asked,
    },
    {
      Sid: "MakeInSubnet",
      Action: [
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateNatGateway",
        "ec2:CreateVpcEndpoint",
      ],
      Resource: ec2("natgateway", "security-group-rule", "vpc-endpoint"),
      Condition: asked,
    },
    {
      Sid: "MakeFlowLog",
      Action: ["ec2:CreateFlowLogs"],
      Resource: ec2("vpc-flow-log"),
      Condition: asked,
    },
    {
      Sid: "Ours",
      Action: [
        "ec2:AssociateRouteTable",
        "ec2:AttachInternetGateway",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateFlowLogs",
        "ec2:CreateLaunchTemplateVersion",
        "ec2:CreateNatGateway",
        "ec2:CreateRoute",
        "ec2:CreateRouteTable",
        "ec2:CreateSecurityGroup",
        "ec2:CreateSubnet",
        "ec2:CreateTags",
        "ec2:CreateVpcEndpoint",
        "ec2:DeleteFlowLogs",
        "ec2:DeleteInternetGateway",
        "ec2:DeleteKeyPair",
        "ec2:DeleteLaunchTemplate",
        "ec2:DeleteNatGateway",
        "ec2:DeleteRoute",
        "ec2:DeleteRouteTable",
        "ec2:DeleteSecurityGroup",
        "ec2:DeleteSubnet",
        "ec2:DeleteTags",
        "ec2:DeleteVpc",
        "ec2:DeleteVpcEndpoints",
        "ec2:DescribeVpcAttribute",
        "ec2:DetachInternetGateway",
        "ec2:DisassociateAddress",
        "ec2:DisassociateRouteTable",
        "ec2:ModifyLaunchTemplate",
        "ec2:ModifySecurityGroupRules",
        "ec2:ModifySubnetAttribute",
        "ec2:ModifyVpcAttribute",
        "ec2:ModifyVpcEndpoint",
        "ec2:ReleaseAddress",
        "ec2:ReplaceRoute",
        "ec2:ReplaceRouteTableAssociation",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:RunInstances",
        "ec2:TerminateInstances",
      ],
      Resource: [arn("ec2", "*/*")],
      Condition: has,
    },
    {
      Sid: "TagWhatIsMade",
      Action: ["ec2:CreateTags"],
      Resource: [arn("ec2", "*/*")],
      Condition: {
        ...asked,
        StringLike: { "ec2:CreateAction": ["Allocate*", "Authorize*", "Create*", "Import*"] },
      },
    },
    {
      // AWS makes it with the VPC, without a tag; nothing else of it tells whose it is.
      Sid: "AdoptDefaultGroup",
      Action: ["ec2:CreateTags"],
      Resource: ec2("security-group"),
      Condition: { ...asked, Null: { [`aws:ResourceTag/${tag}`]: "true" } },
    },
    {
      // By this deployment's own templates, in its own subnets, which `Ours` asks for; images are anybody's.
      Sid: "Launch",
      Action: ["ec2:RunInstances"],
      Resource: [
        ...ec2("instance", "network-interface", "volume"),
        arn("ec2", "image/*", region, ""),
        arn("ec2", "snapshot/*", region, ""),
      ],
      Condition: { ArnLike: { "ec2:LaunchTemplate": ec2("launch-template") } },
    },
    {
      Sid: "TagWhatIsLaunched",
      Action: ["ec2:CreateTags"],
      Resource: ec2("instance", "network-interface", "volume"),
      Condition: { StringEquals: { "ec2:CreateAction": "RunInstances" } },
    },
    {
      // Images of clones have no other tag; the VPC that it names has no id before it is made.
      Sid: "Clones",
      Action: ["ec2:DeleteSnapshot", "ec2:DeregisterImage"],
      Resource: [arn("ec2", "image/*", region, ""), arn("ec2", "snapshot/*", region, "")],
      Condition: { Null: { "aws:ResourceTag/switchyard-network": "false" } },
    },
    { Sid: "MakeGroup", Action: ["autoscaling:CreateAutoScalingGroup"], Resource: [group], Condition: asked },
    {
      Sid: "OurGroups",
      Action: [
        "autoscaling:AttachLoadBalancerTargetGroups",
        "autoscaling:CancelInstanceRefresh",
        "autoscaling:CreateOrUpdateTags",
        "autoscaling:DeleteAutoScalingGroup",
        "autoscaling:DeletePolicy",
        "autoscaling:DeleteTags",
        "autoscaling:DetachLoadBalancerTargetGroups",
        "autoscaling:DisableMetricsCollection",
        "autoscaling:EnableMetricsCollection",
        "autoscaling:PutScalingPolicy",
        "autoscaling:SetDesiredCapacity",
        "autoscaling:StartInstanceRefresh",
        "autoscaling:UpdateAutoScalingGroup",
      ],
      Resource: [group],
      Condition: has,
    },
    {
      Sid: "ImageOfUbuntu",
      Action: ["ssm:GetParameters"],
      Resource: [arn("ssm", "parameter/aws/service/canonical/ubuntu/*", region, "")],
    },
    {
      Sid: "MakeBalancer",
      Action: ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"],
      Resource: balancing("loadbalancer/app", "targetgroup"),
      Condition: asked,
    },
    {
      Sid: "TagBalancer",
      Action: ["elasticloadbalancing:AddTags"],
      Resource: balancing("listener-rule/app", "listener/app", "loadbalancer/app", "targetgroup"),
      Condition: { ...asked, StringLike: { "elasticloadbalancing:CreateAction": "Create*" } },
    },
    {
      Sid: "OurBalancers",
      Action: [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:DeleteRule",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyListenerAttributes",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:RemoveTags",
        "elasticloadbalancing:SetSecurityGroups",
        "elasticloadbalancing:SetSubnets",
      ],
      Resource: balancing("listener-rule/app", "listener/app", "loadbalancer/app", "targetgroup"),
      Condition: has,
    },
    {
      // It looks at no tags; a rule's ARN has its load balancer's name.
      Sid: "OrderRules",
      Action: ["elasticloadbalancing:SetRulePriorities"],
      Resource: names.balancers.map((name) => arn("elasticloadbalancing", `listener-rule/app/${name}/*`)),
    },
    {
      // No role without the boundary, and none without it gets rights.
      Sid: "MakeRoles",
      Action: ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"],
      Resource: roles,
      Condition: bounded,
    },
    {
      Sid: "OurRoles",
      Action: [
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole",
        "iam:ListRolePolicies",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateRole",
      ],
      Resource: roles,
    },
    {
      Sid: "OurProfiles",
      Action: [
        "iam:AddRoleToInstanceProfile",
        "iam:CreateInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:GetInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:TagInstanceProfile",
        "iam:UntagInstanceProfile",
      ],
      Resource: profiles,
    },
    {
      Sid: "PassRoles",
      Action: ["iam:PassRole"],
      Resource: roles,
      Condition: { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } },
    },
    {
      Sid: "ServiceRoles",
      Action: ["iam:CreateServiceLinkedRole"],
      Resource: serviceRoles.map((service) => arn("iam", `role/aws-service-role/${service}/*`, "")),
      Condition: { StringEquals: { "iam:AWSServiceName": serviceRoles } },
    },
    {
      Sid: "Buckets",
      Action: [
        "s3:CreateBucket",
        "s3:DeleteBucket",
        "s3:DeleteBucketPolicy",
        "s3:GetAccelerateConfiguration",
        "s3:GetBucketAcl",
        "s3:GetBucketCORS",
        "s3:GetBucketLocation",
        "s3:GetBucketLogging",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketRequestPayment",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetBucketWebsite",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:ListTagsForResource",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
        "s3:TagResource",
        "s3:UntagResource",
      ],
      Resource: buckets,
    },
    {
      Sid: "Objects",
      Action: [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:PutObject",
      ],
      Resource: buckets.flatMap((bucket) => folders.map((folder) => `${bucket}/${folder}`)),
    },
    {
      Sid: "KeyOfObjects",
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Resource: encryptionKey === undefined ? [] : [encryptionKey],
    },
    {
      Sid: "Topic",
      Action: [
        "sns:CreateTopic",
        "sns:DeleteTopic",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "sns:ListTagsForResource",
        "sns:SetTopicAttributes",
        "sns:Subscribe",
        "sns:TagResource",
        "sns:UntagResource",
      ],
      Resource: [topic],
    },
    {
      Sid: "Alarm",
      Action: [
        "cloudwatch:DeleteAlarms",
        "cloudwatch:ListTagsForResource",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:TagResource",
        "cloudwatch:UntagResource",
      ],
      Resource: [arn("cloudwatch", `alarm:${names.alarm}`, billingRegion)],
    },
    {
      // It is asked for alarms by name, and knows the right for all of them alone.
      Sid: "SeeAlarms",
      Action: ["cloudwatch:DescribeAlarms"],
      Resource: [arn("cloudwatch", "alarm:*", billingRegion)],
    },
  ];
}
