import type { ComponentResourceOptions, CustomResourceOptions, Output } from "@pulumi/pulumi";
import {
  Bucket,
  type BucketArgs,
  type StoredObject,
  type StoredObjectArgs,
} from "../../components/bucket.ts";
import * as local from "./resources.ts";

/** A folder of objects, served by the control plane to the machines of this deployment alone. */
export class LocalBucket extends Bucket {
  readonly bucketName: Output<string>;

  constructor(name: string, args: BucketArgs, opts?: ComponentResourceOptions) {
    super(name, args, opts);
    this.bucketName = new local.Bucket(name, { empty: args.empty }, { parent: this }).id;
    this.registerOutputs({ bucketName: this.bucketName });
  }

  store(name: string, args: StoredObjectArgs, opts?: CustomResourceOptions): StoredObject {
    return new local.BucketObject(
      name,
      { bucket: this.bucketName, ...args },
      { retainOnDelete: true, ...opts },
    );
  }
}
