import * as pulumi from "@pulumi/pulumi";
import { closed, tlsOnly } from "./bucket.ts";
import { type AwsContext, tagsOf } from "./context.ts";
import * as aws from "./resources.ts";

/** How long logs are kept, in days. */
const logDays = 90;

/**
 * The bucket of the load balancer's access logs and the network's flow logs: private, encrypted with S3's own keys (the
 * only ones that the load balancer's logs know), and kept when the stack is destroyed or logs are switched off.
 */
export class Logs extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  /** Without it nothing may be logged. */
  readonly policy: pulumi.Resource;

  /** @param account the id of the account that logs */
  constructor(
    name: string,
    account: pulumi.Output<string>,
    context: AwsContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("switchyard:aws:Logs", name, {}, opts);
    const options = { parent: this, retainOnDelete: true };
    const bucket = new aws.Bucket(
      name,
      { bucketPrefix: `${context.project}-logs-`, tags: tagsOf(context, name) },
      // A label moves no logs.
      { ...options, ignoreChanges: ["bucketPrefix"] },
    );
    this.bucketName = bucket.bucket;
    this.arn = bucket.arn;
    const block = new aws.BucketPublicAccessBlock(name, { bucket: bucket.bucket, ...closed }, options);
    new aws.BucketLifecycleConfiguration(
      name,
      {
        bucket: bucket.bucket,
        rules: [{ id: "old-logs", status: "Enabled", filter: { prefix: "" }, expiration: { days: logDays } }],
      },
      options,
    );
    this.policy = new aws.BucketPolicy(
      name,
      { bucket: bucket.bucket, policy: policyOf(bucket.arn, account, context) },
      { ...options, dependsOn: block },
    );
    this.registerOutputs({});
  }
}

/**
 * Who may write: the load balancers' log delivery
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html), and the network's
 * (https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html). Of this account and region alone.
 */
function policyOf(
  arn: pulumi.Output<string>,
  account: pulumi.Output<string>,
  { region }: AwsContext,
): pulumi.Output<string> {
  const allow = (
    Sid: string,
    Service: string,
    Action: string,
    Resource: pulumi.Output<string>,
    source: pulumi.Output<string>,
  ) => ({
    Sid,
    Effect: "Allow",
    Principal: { Service },
    Action,
    Resource,
    Condition: { ArnLike: { "aws:SourceArn": source } },
  });
  const below = pulumi.interpolate`${arn}/*`;
  const balancers = pulumi.interpolate`arn:aws*:elasticloadbalancing:${region}:${account}:loadbalancer/*`;
  const deliveries = pulumi.interpolate`arn:aws*:logs:${region}:${account}:*`;
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      allow("AccessLogs", "logdelivery.elasticloadbalancing.amazonaws.com", "s3:PutObject", below, balancers),
      allow("FlowLogs", "delivery.logs.amazonaws.com", "s3:PutObject", below, deliveries),
      allow("FlowLogsLook", "delivery.logs.amazonaws.com", "s3:GetBucketAcl", arn, deliveries),
      tlsOnly(arn),
    ],
  });
}
