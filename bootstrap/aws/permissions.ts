import type { PermissionTable, TypePermissions } from "../permissions.ts";

/** The file of Terraform's provider, which Pulumi's is made of, that makes a type's calls. */
function terraform(file: string): string {
  return `https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/${file}.go`;
}

/** A call of this project's own plugin, or of the app's store. */
function own(file: string): string {
  return `${file} of this repository`;
}

/** A type of EC2's whose resources have tags: they are given with the call that makes one. */
function tagged(
  file: string,
  { create = [], update = [], ...rest }: Omit<TypePermissions, "source">,
): TypePermissions {
  return {
    source: terraform(`ec2/${file}`),
    create: ["ec2:CreateTags", ...create],
    update: ["ec2:CreateTags", "ec2:DeleteTags", ...update],
    ...rest,
  };
}

/** A type of Elastic Load Balancing's, in the same way. */
function balancing(
  file: string,
  { create = [], read = [], update = [], ...rest }: Omit<TypePermissions, "source">,
): TypePermissions {
  return {
    source: terraform(`elbv2/${file}`),
    create: ["elasticloadbalancing:AddTags", ...create],
    read: ["elasticloadbalancing:DescribeTags", ...read],
    update: ["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags", ...update],
    ...rest,
  };
}

/** A part of a bucket's configuration, which is put as a whole, and has one permission to read and one to write. */
function bucketPart(file: string, part: string, removes = `s3:Put${part}`): TypePermissions {
  return {
    source: terraform(`s3/${file}`),
    create: [`s3:Put${part}`],
    read: [`s3:Get${part}`, "s3:ListBucket"],
    update: [`s3:Put${part}`],
    delete: [removes],
  };
}

/** What reading a bucket asks for; of most parts, whether they are there. */
const wholeBucket = [
  "s3:GetAccelerateConfiguration",
  "s3:GetBucketAcl",
  "s3:GetBucketCORS",
  "s3:GetBucketLocation",
  "s3:GetBucketLogging",
  "s3:GetBucketObjectLockConfiguration",
  "s3:GetBucketPolicy",
  "s3:GetBucketRequestPayment",
  "s3:GetBucketTagging",
  "s3:GetBucketVersioning",
  "s3:GetBucketWebsite",
  "s3:GetEncryptionConfiguration",
  "s3:GetLifecycleConfiguration",
  "s3:GetReplicationConfiguration",
  "s3:ListBucket",
  "s3:ListTagsForResource",
];

/**
 * What a principal needs to make, read, change and delete a resource of each type that the program uses. Actions' names are
 * those of AWS's service authorization reference
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
 */
export const permissions: PermissionTable = {
  "aws:autoscaling/group:Group": {
    source: `${terraform("autoscaling/group")}; what launching by a template asks of who makes a group: https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html`,
    create: [
      "autoscaling:CreateAutoScalingGroup",
      "autoscaling:EnableMetricsCollection",
      "ec2:CreateTags",
      "ec2:RunInstances",
      "iam:CreateServiceLinkedRole",
      "iam:PassRole",
      "ssm:GetParameters",
    ],
    read: [
      "autoscaling:DescribeAutoScalingGroups",
      "autoscaling:DescribeScalingActivities",
      "autoscaling:DescribeWarmPool",
    ],
    update: [
      "autoscaling:AttachLoadBalancerTargetGroups",
      "autoscaling:CancelInstanceRefresh",
      "autoscaling:CreateOrUpdateTags",
      "autoscaling:DeleteTags",
      "autoscaling:DescribeInstanceRefreshes",
      "autoscaling:DescribeLoadBalancerTargetGroups",
      "autoscaling:DescribeTrafficSources",
      "autoscaling:DetachLoadBalancerTargetGroups",
      "autoscaling:DisableMetricsCollection",
      "autoscaling:EnableMetricsCollection",
      "autoscaling:SetDesiredCapacity",
      "autoscaling:StartInstanceRefresh",
      "autoscaling:UpdateAutoScalingGroup",
      "ec2:CreateTags",
      "ec2:RunInstances",
      "iam:PassRole",
      "ssm:GetParameters",
    ],
    delete: ["autoscaling:DeleteAutoScalingGroup", "autoscaling:UpdateAutoScalingGroup"],
  },
  // Its alarms are made by auto scaling's own role.
  "aws:autoscaling/policy:Policy": {
    source: terraform("autoscaling/policy"),
    create: ["autoscaling:PutScalingPolicy"],
    read: ["autoscaling:DescribePolicies"],
    update: ["autoscaling:PutScalingPolicy"],
    delete: ["autoscaling:DeletePolicy"],
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    source: terraform("cloudwatch/metric_alarm"),
    create: ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
    read: ["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
    update: ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"],
    delete: ["cloudwatch:DeleteAlarms"],
  },
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": tagged("vpc_default_security_group", {
    create: ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"],
    read: ["ec2:DescribeSecurityGroups"],
  }),
  "aws:ec2/eip:Eip": tagged("ec2_eip", {
    create: ["ec2:AllocateAddress"],
    read: ["ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute"],
    delete: ["ec2:DisassociateAddress", "ec2:ReleaseAddress"],
  }),
  "aws:ec2/flowLog:FlowLog": tagged("vpc_flow_log", {
    create: ["ec2:CreateFlowLogs", "logs:CreateLogDelivery"],
    read: ["ec2:DescribeFlowLogs"],
    delete: ["ec2:DeleteFlowLogs", "logs:DeleteLogDelivery"],
  }),
  "aws:ec2/internetGateway:InternetGateway": tagged("vpc_internet_gateway", {
    create: ["ec2:AttachInternetGateway", "ec2:CreateInternetGateway"],
    read: ["ec2:DescribeInternetGateways"],
    update: ["ec2:AttachInternetGateway", "ec2:DetachInternetGateway"],
    delete: ["ec2:DeleteInternetGateway", "ec2:DetachInternetGateway"],
  }),
  "aws:ec2/keyPair:KeyPair": tagged("ec2_key_pair", {
    create: ["ec2:ImportKeyPair"],
    read: ["ec2:DescribeKeyPairs"],
    delete: ["ec2:DeleteKeyPair"],
  }),
  "aws:ec2/launchTemplate:LaunchTemplate": tagged("ec2_launch_template", {
    create: ["ec2:CreateLaunchTemplate", "ssm:GetParameters"],
    read: ["ec2:DescribeLaunchTemplateVersions", "ec2:DescribeLaunchTemplates"],
    update: ["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate", "ssm:GetParameters"],
    delete: ["ec2:DeleteLaunchTemplate"],
  }),
  "aws:ec2/natGateway:NatGateway": tagged("vpc_nat_gateway", {
    create: ["ec2:CreateNatGateway"],
    read: ["ec2:DescribeNatGateways"],
    delete: ["ec2:DeleteNatGateway"],
  }),
  "aws:ec2/route:Route": {
    source: terraform("ec2/vpc_route"),
    create: ["ec2:CreateRoute"],
    read: ["ec2:DescribeRouteTables"],
    update: ["ec2:ReplaceRoute"],
    delete: ["ec2:DeleteRoute"],
  },
  "aws:ec2/routeTable:RouteTable": tagged("vpc_route_table", {
    create: ["ec2:CreateRouteTable"],
    read: ["ec2:DescribeRouteTables"],
    delete: ["ec2:DeleteRouteTable", "ec2:DisassociateRouteTable"],
  }),
  "aws:ec2/routeTableAssociation:RouteTableAssociation": {
    source: terraform("ec2/vpc_route_table_association"),
    create: ["ec2:AssociateRouteTable"],
    read: ["ec2:DescribeRouteTables"],
    update: ["ec2:ReplaceRouteTableAssociation"],
    delete: ["ec2:DisassociateRouteTable"],
  },
  "aws:ec2/securityGroup:SecurityGroup": tagged("vpc_security_group", {
    create: ["ec2:CreateSecurityGroup", "ec2:RevokeSecurityGroupEgress"],
    read: ["ec2:DescribeSecurityGroups"],
    delete: ["ec2:DeleteSecurityGroup", "ec2:DescribeNetworkInterfaces"],
  }),
  "aws:ec2/subnet:Subnet": tagged("vpc_subnet", {
    create: ["ec2:CreateSubnet", "ec2:ModifySubnetAttribute"],
    read: ["ec2:DescribeSubnets"],
    update: ["ec2:ModifySubnetAttribute"],
    delete: ["ec2:DeleteSubnet", "ec2:DescribeNetworkInterfaces"],
  }),
  "aws:ec2/vpc:Vpc": tagged("vpc_", {
    create: ["ec2:CreateVpc", "ec2:ModifyVpcAttribute"],
    read: [
      "ec2:DescribeNetworkAcls",
      "ec2:DescribeRouteTables",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeVpcAttribute",
      "ec2:DescribeVpcs",
    ],
    update: ["ec2:ModifyVpcAttribute"],
    delete: ["ec2:DeleteVpc"],
  }),
  "aws:ec2/vpcEndpoint:VpcEndpoint": tagged("vpc_endpoint", {
    create: ["ec2:CreateVpcEndpoint"],
    read: ["ec2:DescribePrefixLists", "ec2:DescribeVpcEndpoints"],
    update: ["ec2:ModifyVpcEndpoint"],
    delete: ["ec2:DeleteVpcEndpoints"],
  }),
  "aws:iam/instanceProfile:InstanceProfile": {
    source: terraform("iam/instance_profile"),
    create: [
      "iam:AddRoleToInstanceProfile",
      "iam:CreateInstanceProfile",
      "iam:PassRole",
      "iam:TagInstanceProfile",
    ],
    read: ["iam:GetInstanceProfile"],
    update: [
      "iam:AddRoleToInstanceProfile",
      "iam:PassRole",
      "iam:RemoveRoleFromInstanceProfile",
      "iam:TagInstanceProfile",
      "iam:UntagInstanceProfile",
    ],
    delete: ["iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile"],
  },
  "aws:iam/role:Role": {
    source: `${terraform("iam/role")}; whom it trusts is not changed (iam:UpdateAssumeRolePolicy): the program never does`,
    create: ["iam:CreateRole", "iam:TagRole"],
    read: ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
    update: ["iam:PutRolePermissionsBoundary", "iam:TagRole", "iam:UntagRole", "iam:UpdateRole"],
    delete: ["iam:DeleteRole", "iam:ListInstanceProfilesForRole", "iam:RemoveRoleFromInstanceProfile"],
  },
  "aws:iam/rolePolicy:RolePolicy": {
    source: `${terraform("iam/role_policy")}; and what it hands on to the controller, and nothing else needs`,
    create: ["ec2:DescribeInstanceTypes", "iam:PutRolePolicy"],
    read: ["iam:GetRolePolicy"],
    update: ["iam:PutRolePolicy"],
    delete: ["iam:DeleteRolePolicy"],
  },
  "aws:lb/listener:Listener": balancing("listener", {
    create: ["elasticloadbalancing:CreateListener"],
    read: ["elasticloadbalancing:DescribeListenerAttributes", "elasticloadbalancing:DescribeListeners"],
    update: ["elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyListenerAttributes"],
    delete: ["elasticloadbalancing:DeleteListener"],
  }),
  "aws:lb/listenerRule:ListenerRule": balancing("listener_rule", {
    create: ["elasticloadbalancing:CreateRule"],
    read: ["elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeRules"],
    update: ["elasticloadbalancing:ModifyRule", "elasticloadbalancing:SetRulePriorities"],
    delete: ["elasticloadbalancing:DeleteRule"],
  }),
  "aws:lb/loadBalancer:LoadBalancer": balancing("load_balancer", {
    create: [
      "ec2:DescribeAccountAttributes",
      "ec2:DescribeInternetGateways",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
      "elasticloadbalancing:CreateLoadBalancer",
      "elasticloadbalancing:ModifyLoadBalancerAttributes",
      "elasticloadbalancing:SetSecurityGroups",
      "iam:CreateServiceLinkedRole",
    ],
    read: [
      "elasticloadbalancing:DescribeCapacityReservation",
      "elasticloadbalancing:DescribeLoadBalancerAttributes",
      "elasticloadbalancing:DescribeLoadBalancers",
    ],
    update: [
      "elasticloadbalancing:ModifyLoadBalancerAttributes",
      "elasticloadbalancing:SetSecurityGroups",
      "elasticloadbalancing:SetSubnets",
    ],
    delete: ["ec2:DescribeNetworkInterfaces", "elasticloadbalancing:DeleteLoadBalancer"],
  }),
  "aws:lb/targetGroup:TargetGroup": balancing("target_group", {
    create: ["elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes"],
    read: ["elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetGroups"],
    update: ["elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes"],
    delete: ["elasticloadbalancing:DeleteTargetGroup"],
  }),
  "aws:s3/bucket:Bucket": {
    source: terraform("s3/bucket"),
    create: ["s3:CreateBucket", "s3:PutBucketTagging", "s3:TagResource"],
    read: wholeBucket,
    update: ["s3:PutBucketTagging", "s3:TagResource", "s3:UntagResource"],
    // Emptied before it is deleted, where the stack says so.
    delete: ["s3:DeleteBucket", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"],
  },
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucketPart(
    "bucket_lifecycle_configuration",
    "LifecycleConfiguration",
  ),
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": bucketPart(
    "bucket_ownership_controls",
    "BucketOwnershipControls",
  ),
  "aws:s3/bucketPolicy:BucketPolicy": bucketPart("bucket_policy", "BucketPolicy", "s3:DeleteBucketPolicy"),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucketPart(
    "bucket_public_access_block",
    "BucketPublicAccessBlock",
  ),
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": bucketPart(
    "bucket_server_side_encryption_configuration",
    "EncryptionConfiguration",
  ),
  "aws:s3/bucketVersioning:BucketVersioning": bucketPart("bucket_versioning", "BucketVersioning"),
  "aws:sns/topic:Topic": {
    source: terraform("sns/topic"),
    create: ["sns:CreateTopic", "sns:SetTopicAttributes", "sns:TagResource"],
    read: ["sns:GetTopicAttributes", "sns:ListTagsForResource"],
    update: ["sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource"],
    delete: ["sns:DeleteTopic"],
  },
  "aws:sns/topicPolicy:TopicPolicy": {
    source: terraform("sns/topic_policy"),
    create: ["sns:SetTopicAttributes"],
    read: ["sns:GetTopicAttributes"],
    update: ["sns:SetTopicAttributes"],
    delete: ["sns:SetTopicAttributes"],
  },
  "aws:sns/topicSubscription:TopicSubscription": {
    source: terraform("sns/topic_subscription"),
    create: ["sns:Subscribe"],
    read: ["sns:GetSubscriptionAttributes", "sns:ListSubscriptionsByTopic"],
    update: ["sns:SetSubscriptionAttributes"],
    delete: ["sns:Unsubscribe"],
  },
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": tagged("vpc_security_group_egress_rule", {
    create: ["ec2:AuthorizeSecurityGroupEgress"],
    read: ["ec2:DescribeSecurityGroupRules"],
    update: ["ec2:ModifySecurityGroupRules"],
    delete: ["ec2:RevokeSecurityGroupEgress"],
  }),
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": tagged("vpc_security_group_ingress_rule", {
    create: ["ec2:AuthorizeSecurityGroupIngress"],
    read: ["ec2:DescribeSecurityGroupRules"],
    update: ["ec2:ModifySecurityGroupRules"],
    delete: ["ec2:RevokeSecurityGroupIngress"],
  }),
  "switchyard:aws:Clones": {
    source: own("providers/aws/clones.ts"),
    delete: [
      "ec2:DeleteSnapshot",
      "ec2:DeregisterImage",
      "ec2:DescribeImages",
      "ec2:DescribeInstances",
      "ec2:DescribeSnapshots",
      "ec2:TerminateInstances",
    ],
  },
  "switchyard:aws:Layout": { source: "It calls nothing: it compares two configurations." },
  "switchyard:aws:MachineTags": {
    source: own("providers/aws/machine-tags.ts"),
    create: ["ec2:CreateTags", "ec2:DescribeInstances"],
    update: ["ec2:CreateTags", "ec2:DeleteTags", "ec2:DescribeInstances"],
  },
  "switchyard:index:AdminToken": { source: "It calls nothing: it is made on the machine that deploys." },
  "switchyard:index:Readiness": { source: "It asks the load balancer, as any client does." },
  "switchyard:index:StoredObject": {
    source: own("service/storage/s3.ts"),
    // To read and write what KMS encrypts, where the bucket has a key.
    create: [
      "kms:Decrypt",
      "kms:GenerateDataKey",
      "s3:AbortMultipartUpload",
      "s3:GetObject",
      "s3:ListBucket",
      "s3:PutObject",
    ],
    read: ["s3:GetObject", "s3:ListBucket"],
    update: ["kms:Decrypt", "kms:GenerateDataKey", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
    delete: ["s3:DeleteObject"],
  },
};
