import type * as pulumi from "@pulumi/pulumi";
import { Bucket, type BucketArgs, type ObjectPlace } from "../../components/bucket.ts";
import { type GcpContext, labelsOf, nameOf } from "./context.ts";
import * as gcp from "./resources.ts";

/** How long broken uploads, and versions of files that were replaced or deleted, are kept; in days. */
const uploadDays = 7;
const versionDays = 30;

/** How long whatever was deleted for good can be restored, in seconds: a week, the shortest there is besides none. */
const softDeleteSeconds = 7 * 24 * 3600;

/** A private bucket of Cloud Storage, with all that keeps it private and its files recoverable. */
export class GcpBucket extends Bucket {
  readonly bucketName: pulumi.Output<string>;
  /** The number of the project that it is in. */
  readonly projectNumber: pulumi.Output<number>;
  protected readonly objects: ObjectPlace;

  constructor(name: string, args: BucketArgs, context: GcpContext, opts?: pulumi.ComponentResourceOptions) {
    super(name, args, opts);
    const given = nameOf(context, "bucket");
    const bucket = new gcp.Bucket(
      // Buckets of all projects of all users have names of their own.
      `${context.gcpProject}-${name}`,
      {
        ...(given && { name: given }),
        location: context.region.toUpperCase(),
        forceDestroy: args.empty,
        uniformBucketLevelAccess: true,
        publicAccessPrevention: "enforced",
        versioning: { enabled: true },
        softDeletePolicy: { retentionDurationSeconds: softDeleteSeconds },
        lifecycleRules: [
          { action: { type: "AbortIncompleteMultipartUpload" }, condition: { age: uploadDays } },
          // Of files alone; releases and runtimes are never deleted for their age, machines may need them.
          {
            action: { type: "Delete" },
            condition: {
              daysSinceNoncurrentTime: versionDays,
              matchesPrefixes: ["files/"],
              withState: "ARCHIVED",
            },
          },
        ],
        ...(args.encryptionKey && { encryption: { defaultKmsKeyName: args.encryptionKey } }),
        labels: labelsOf(context),
      },
      { parent: this, dependsOn: context.apis.storage },
    );
    this.bucketName = bucket.name;
    this.projectNumber = bucket.projectNumber;
    this.objects = { cloud: "gcp", bucket: this.bucketName };
    this.registerOutputs({ bucketName: this.bucketName });
  }
}
