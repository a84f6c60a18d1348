import type { ComponentResourceOptions, Input, Output } from "@pulumi/pulumi";
import { Bucket, type BucketArgs, type ObjectPlace } from "../../components/bucket.ts";
import * as local from "./resources.ts";

/** A folder of objects, served by the control plane to the machines of this deployment alone. */
export class LocalBucket extends Bucket {
  readonly bucketName: Output<string>;
  protected readonly objects: ObjectPlace;

  /** @param args.cloud the id of the local cloud */
  constructor(
    name: string,
    args: BucketArgs & { readonly cloud: Input<string> },
    opts?: ComponentResourceOptions,
  ) {
    super(name, args, opts);
    const { cloud, empty } = args;
    this.bucketName = new local.Bucket(name, { cloud, empty }, { parent: this }).id;
    this.objects = { cloud: "local", bucket: this.bucketName, access: { cloud } };
    this.registerOutputs({ bucketName: this.bucketName });
  }
}
