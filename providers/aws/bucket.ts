import * as pulumi from "@pulumi/pulumi";
import { Bucket, type BucketArgs, type ObjectPlace } from "../../components/bucket.ts";
import { type AwsContext, nameOf, tagsOf } from "./context.ts";
import { operatorOf } from "./outputs.ts";
import * as aws from "./resources.ts";

/** How long broken uploads, and versions of files that were replaced or deleted, are kept; in days. */
const uploadDays = 7;
const versionDays = 30;

/** What closes a bucket to the public, whatever its policy and its objects' ACLs come to say. */
export const closed = {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
} as const;

/** The statement of a bucket's policy that refuses connections without TLS. */
export function tlsOnly(arn: pulumi.Output<string>) {
  return {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [arn, pulumi.interpolate`${arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}

/** A private S3 bucket, with all that keeps it private and its files recoverable. */
export class AwsBucket extends Bucket {
  readonly bucketName: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  /** ARN of the KMS key that objects are encrypted with; absent: S3's own key. */
  readonly encryptionKey: string | undefined;
  protected readonly objects: ObjectPlace;

  constructor(name: string, args: BucketArgs, context: AwsContext, opts?: pulumi.ComponentResourceOptions) {
    super(name, args, opts);
    const given = nameOf(context, "bucket");
    const bucket = new aws.Bucket(
      name,
      {
        ...(given ? { bucket: given } : { bucketPrefix: `${context.project}-` }),
        forceDestroy: args.empty,
        tags: tagsOf(context, name),
      },
      // What holds data does not hang on a label.
      { parent: this, ignoreChanges: ["bucketPrefix"] },
    );
    this.encryptionKey = args.encryptionKey;
    this.bucketName = bucket.bucket;
    this.arn = bucket.arn;
    this.objects = {
      cloud: "aws",
      bucket: this.bucketName,
      access: operatorOf(context),
      guards: [...this.#privacy(name), ...this.#recovery(name)],
    };
    this.registerOutputs({ bucketName: this.bucketName });
  }

  /** Nobody without rights of their own reads it, and nobody by a connection that can be read. */
  #privacy(name: string): pulumi.Resource[] {
    const bucket = this.bucketName;
    const block = new aws.BucketPublicAccessBlock(name, { bucket, ...closed }, { parent: this });
    const ownership = new aws.BucketOwnershipControls(
      name,
      { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
      { parent: this },
    );
    const encryption = new aws.BucketServerSideEncryptionConfiguration(
      name,
      { bucket, rules: [encryptionRule(this.encryptionKey)] },
      { parent: this },
    );
    const policy = new aws.BucketPolicy(
      name,
      { bucket, policy: pulumi.jsonStringify({ Version: "2012-10-17", Statement: [tlsOnly(this.arn)] }) },
      // S3 refuses two changes of one bucket's access at a time.
      { parent: this, dependsOn: block },
    );
    return [block, ownership, encryption, policy];
  }

  /** Files can be recovered for a while; releases and runtimes are never deleted for their age, machines may need them. */
  #recovery(name: string): pulumi.Resource[] {
    const bucket = this.bucketName;
    const versioning = new aws.BucketVersioning(
      name,
      { bucket, versioningConfiguration: { status: "Enabled" } },
      { parent: this },
    );
    const lifecycle = new aws.BucketLifecycleConfiguration(
      name,
      {
        bucket,
        rules: [
          {
            id: "broken-uploads",
            status: "Enabled",
            filter: { prefix: "" },
            abortIncompleteMultipartUpload: { daysAfterInitiation: uploadDays },
          },
          {
            id: "old-versions-of-files",
            status: "Enabled",
            filter: { prefix: "files/" },
            noncurrentVersionExpiration: { noncurrentDays: versionDays },
            expiration: { expiredObjectDeleteMarker: true },
          },
        ],
      },
      { parent: this, dependsOn: versioning },
    );
    return [versioning, lifecycle];
  }
}

/** With a KMS key, a key of the bucket's own saves most of the calls to KMS (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html). */
function encryptionRule(kmsMasterKeyId: string | undefined) {
  return kmsMasterKeyId === undefined
    ? { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }
    : {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId },
        bucketKeyEnabled: true,
      };
}
