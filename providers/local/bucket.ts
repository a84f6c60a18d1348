import type { ComponentResourceOptions, CustomResourceOptions, Input, Output } from "@pulumi/pulumi";
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
  readonly #cloud: Input<string>;

  /** @param args.cloud the id of the local cloud */
  constructor(
    name: string,
    args: BucketArgs & { readonly cloud: Input<string> },
    opts?: ComponentResourceOptions,
  ) {
    super(name, args, opts);
    const { cloud, empty } = args;
    this.#cloud = cloud;
    this.bucketName = new local.Bucket(name, { cloud, empty }, { parent: this }).id;
    this.registerOutputs({ bucketName: this.bucketName });
  }

  store(name: string, args: StoredObjectArgs, opts?: CustomResourceOptions): StoredObject {
    return new local.BucketObject(
      name,
      { cloud: this.#cloud, bucket: this.bucketName, ...args },
      { retainOnDelete: true, ...opts },
    );
  }
}
