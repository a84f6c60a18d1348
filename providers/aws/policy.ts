import {
  itemsAt,
  looking,
  mustBe,
  mustBePlain,
  mustHave,
  mustHaveCompanion,
  valueAt,
} from "../../plan/policy/checks.ts";
import type { Breach, CloudPolicy } from "../../plan/policy/policy.ts";
import { publicStatements, wideStatements } from "./policy-statements.ts";

const bucket = "aws:s3/bucket:Bucket";
const launchTemplate = "aws:ec2/launchTemplate:LaunchTemplate";
const instance = "aws:ec2/instance:Instance";

/** What closes a bucket, each by itself (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html). */
const blocks = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

/** What may be encrypted, and is not by itself: the property that says so. */
const encryptable: Readonly<Record<string, string>> = {
  "aws:ebs/volume:Volume": "encrypted",
  "aws:efs/fileSystem:FileSystem": "encrypted",
  "aws:rds/cluster:Cluster": "storageEncrypted",
  "aws:rds/instance:Instance": "storageEncrypted",
};

/** Types that can have tags, of those that the program makes and some that users add; a test holds the first to the SDK. */
export const taggable: readonly string[] = [
  bucket,
  launchTemplate,
  instance,
  ...Object.keys(encryptable),
  "aws:autoscaling/group:Group",
  "aws:cloudwatch/metricAlarm:MetricAlarm",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
  "aws:ec2/eip:Eip",
  "aws:ec2/flowLog:FlowLog",
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/keyPair:KeyPair",
  "aws:ec2/natGateway:NatGateway",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/subnet:Subnet",
  "aws:ec2/vpc:Vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint",
  "aws:iam/instanceProfile:InstanceProfile",
  "aws:iam/role:Role",
  "aws:lb/listener:Listener",
  "aws:lb/listenerRule:ListenerRule",
  "aws:lb/loadBalancer:LoadBalancer",
  "aws:lb/targetGroup:TargetGroup",
  "aws:sns/topic:Topic",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
];

const isPublicAcl = (inputs: unknown): Breach[] => {
  const acl = valueAt(inputs, "acl");
  return typeof acl === "string" && /^(public-|authenticated-read)/.test(acl)
    ? [{ property: "acl", found: `is ${JSON.stringify(acl)}` }]
    : [];
};

function tagged(inputs: unknown): Breach[] {
  const tags = valueAt(inputs, "tags");
  // Groups have a list of them.
  const keys = Array.isArray(tags) ? tags.map(({ key }) => key) : Object.keys(tags ?? {});
  return keys.includes("project_name") ? [] : [{ property: "tags", found: "have no project_name" }];
}

function encryptedDisks(inputs: unknown): Breach[] {
  const disks = itemsAt(inputs, "blockDeviceMappings");
  if (disks.length === 0)
    return [{ property: "blockDeviceMappings", found: "name no disk, so that it is as the image says" }];
  return disks.flatMap((_, index) => mustBe(inputs, `blockDeviceMappings.${index}.ebs.encrypted`, true));
}

/** What the rules mean on AWS. */
export const policy: CloudPolicy = {
  checks: {
    "bucket-private": {
      one: looking({
        [bucket]: isPublicAcl,
        "aws:s3/bucketAcl:BucketAcl": isPublicAcl,
        "aws:s3/bucketPolicy:BucketPolicy": publicStatements,
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (inputs) =>
          blocks.flatMap((name) => mustBe(inputs, name, true)),
      }),
      all: mustHaveCompanion({
        of: [bucket],
        type: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        by: "bucket",
      }),
    },
    "data-encrypted": {
      one: looking({
        ...Object.fromEntries(
          Object.entries(encryptable).map(([type, property]) => [
            type,
            (inputs: unknown) => mustBe(inputs, property, true),
          ]),
        ),
        [launchTemplate]: encryptedDisks,
        [instance]: (inputs) => mustBe(inputs, "rootBlockDevice.encrypted", true),
      }),
      all: mustHaveCompanion({
        of: [bucket],
        type: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        by: "bucket",
      }),
    },
    "bucket-versioned": {
      one: looking({
        "aws:s3/bucketVersioning:BucketVersioning": (inputs) =>
          mustBe(inputs, "versioningConfiguration.status", "Enabled"),
      }),
      all: mustHaveCompanion({
        of: [bucket],
        type: "aws:s3/bucketVersioning:BucketVersioning",
        by: "bucket",
      }),
    },
    "metadata-guarded": {
      one: looking({
        [launchTemplate]: (inputs) => mustBe(inputs, "metadataOptions.httpTokens", "required"),
        [instance]: (inputs) => mustBe(inputs, "metadataOptions.httpTokens", "required"),
      }),
    },
    tagged: { one: looking(Object.fromEntries(taggable.map((type) => [type, tagged]))) },
    "rights-narrow": {
      one: looking({
        "aws:iam/groupPolicy:GroupPolicy": wideStatements,
        "aws:iam/policy:Policy": wideStatements,
        "aws:iam/role:Role": wideStatements,
        "aws:iam/rolePolicy:RolePolicy": wideStatements,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": wideStatements,
        "aws:iam/userPolicy:UserPolicy": wideStatements,
      }),
    },
    "user-data-plain": {
      one: looking({
        [launchTemplate]: (inputs) => mustBePlain(inputs, "userData"),
        [instance]: (inputs) => [
          ...mustBePlain(inputs, "userData"),
          ...mustBePlain(inputs, "userDataBase64"),
        ],
      }),
    },
    "health-checked": {
      one: looking({
        "aws:autoscaling/group:Group": (inputs) => [
          ...mustHave(inputs, "targetGroupArns", "put it behind a target group"),
          ...mustBe(inputs, "healthCheckType", "ELB"),
        ],
        "aws:lb/targetGroup:TargetGroup": (inputs) => [
          ...mustHave(inputs, "healthCheck.path", "give it the path that says whether a machine is healthy"),
          ...(valueAt(inputs, "healthCheck.enabled") === false
            ? [{ property: "healthCheck.enabled", found: "is false" }]
            : []),
        ],
      }),
    },
  },
  exceptions: [
    {
      rule: "data-encrypted",
      urn: /switchyard:aws:Logs\$aws:s3\/bucket:Bucket::/,
      reason:
        "S3 encrypts with keys of its own what says nothing, and the load balancer's logs know no others",
    },
    {
      rule: "bucket-versioned",
      urn: /switchyard:aws:Logs\$aws:s3\/bucket:Bucket::/,
      reason: "logs are written once, and nobody may delete them",
    },
    {
      rule: "data-protected",
      urn: /switchyard:aws:Logs\$aws:s3\/bucket:Bucket::/,
      reason: "it stays when it leaves the program (retainOnDelete), which policy packs do not see",
    },
  ],
};
