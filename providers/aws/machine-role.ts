import * as pulumi from "@pulumi/pulumi";
import type { AwsBucket } from "./bucket.ts";
import { type AwsContext, tagsOf } from "./context.ts";
import { InstanceProfile, Role, RolePolicy } from "./resources.ts";

const fetchBuild = (under: Under) => ({
  Sid: "FetchBuild",
  Effect: "Allow",
  Action: "s3:GetObject",
  Resource: [under("releases"), under("runtimes")],
});

const listBelow = (Sid: string, bucketArn: pulumi.Input<string>, prefix: string) => ({
  Sid,
  Effect: "Allow",
  Action: "s3:ListBucket",
  Resource: bucketArn,
  // IfExists, because S3 asks for this permission, and then without a prefix, before it says that an object is
  // missing (404) and not that it is none of one's business (403).
  Condition: { StringLikeIfExists: { "s3:prefix": `${prefix}/*` } },
});

const sessionManager = {
  Sid: "SessionManager",
  Effect: "Allow",
  Action: [
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
  ],
  // These know no resources that could be named before the machine is there.
  Resource: "*",
};

type Under = (prefix: string) => pulumi.Output<string>;

/** As much of a bucket as policies name. */
type BucketOfMachines = Pick<AwsBucket, "arn" | "encryptionKey">;

/**
 * What machines may do. Every action on the bucket is needed by a call of the app (service/storage/s3.ts) or of the
 * startup script; the others are what Session Manager's agent needs
 * (https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html), far
 * less than its managed policy has, which reads every parameter of the account.
 */
export function machinePolicy({ arn, encryptionKey }: BucketOfMachines): pulumi.Output<string> {
  const under = (prefix: string) => pulumi.interpolate`${arn}/${prefix}/*`;
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      fetchBuild(under),
      {
        Sid: "KeepFiles",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        Resource: under("files"),
      },
      listBelow("ListFiles", arn, "files"),
      ...(encryptionKey === undefined ? [] : [useOfKey(encryptionKey)]),
      sessionManager,
    ],
  });
}

/**
 * What the controller may do instead: keep its document, set the size of its groups and of nothing else, and see what
 * came of it and what schedules may name (service/compute/aws.ts). It runs no instances and passes no roles.
 */
export function controllerPolicy(
  { arn, encryptionKey }: BucketOfMachines,
  groups: readonly pulumi.Input<string>[],
  { region }: Pick<AwsContext, "region">,
): pulumi.Output<string> {
  const under = (prefix: string) => pulumi.interpolate`${arn}/${prefix}/*`;
  const groupsOf = `arn:${partitionOf(region)}:autoscaling:${region}:*:autoScalingGroup:*:autoScalingGroupName`;
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      fetchBuild(under),
      {
        Sid: "KeepDocument",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject"],
        Resource: under("controller"),
      },
      listBelow("FindDocument", arn, "controller"),
      ...(encryptionKey === undefined ? [] : [useOfKey(encryptionKey)]),
      {
        Sid: "SetSizes",
        Effect: "Allow",
        Action: "autoscaling:SetDesiredCapacity",
        Resource: groups.map((group) => pulumi.interpolate`${groupsOf}/${group}`),
      },
      {
        Sid: "See",
        Effect: "Allow",
        Action: [
          "autoscaling:DescribeAutoScalingGroups",
          "autoscaling:DescribeScalingActivities",
          "ec2:DescribeImages",
          "ec2:DescribeInstanceTypes",
          "ec2:DescribeVpcs",
        ],
        // These know no resources.
        Resource: "*",
      },
      sessionManager,
    ],
  });
}

/** The first part of ARNs in a region (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html). */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/** What S3 asks KMS for in a machine's name: to read, and to write in parts (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html). */
function useOfKey(Resource: string) {
  return { Sid: "UseKey", Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource };
}

/** What begins the name of a role and its instance profile; 26 characters of Terraform's follow. At most 38 may go before. */
export function roleNamePrefix(project: string, name: string): string {
  return `${project}-${name}-`;
}

/** Who a machine is to AWS: one role for all machines of a deployment, and one for the controller. It is no child of the bucket, whose protection is not its own. */
export class MachineRole extends pulumi.ComponentResource {
  readonly profileArn: pulumi.Output<string>;
  /** Without it a machine may not do what it does first. */
  readonly policy: pulumi.Resource;

  /** @param given its exact name, if it must have one */
  constructor(
    name: string,
    policy: pulumi.Output<string>,
    given: string | undefined,
    context: AwsContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("switchyard:aws:MachineRole", name, {}, opts);
    // A name of the deployment's own: rights on what it makes are limited by it, and to pass a role on by nothing else.
    const naming = given ? { name: given } : { namePrefix: roleNamePrefix(context.project, name) };
    const tags = tagsOf(context, name);
    const parent = { parent: this };
    // Machines do not get other roles for a label.
    const options = given ? parent : { ...parent, ignoreChanges: ["namePrefix"] };
    const trust = {
      Effect: "Allow",
      Principal: { Service: "ec2.amazonaws.com" },
      Action: "sts:AssumeRole",
    };
    const assumeRolePolicy = JSON.stringify({ Version: "2012-10-17", Statement: [trust] });
    const { permissionsBoundary } = context;
    const role = new Role(
      name,
      { ...naming, assumeRolePolicy, ...(permissionsBoundary && { permissionsBoundary }), tags },
      options,
    );
    this.policy = new RolePolicy(name, { role: role.name, policy }, parent);
    this.profileArn = new InstanceProfile(name, { ...naming, role: role.name, tags }, options).arn;
    this.registerOutputs({});
  }
}
