import * as pulumi from "@pulumi/pulumi";
import type { BucketSettings } from "../config/settings.ts";

export type BucketArgs = BucketSettings;

/** Where the bytes of a stored object come from when it is uploaded. */
export type ObjectContent =
  /** A file of the project's, by a path relative to its root, and the hex SHA-256 that it must have. */
  | { readonly file: string; readonly sha256: string }
  /** A package exactly as its registry publishes it, checked against the lock file's `integrity` when fetched. */
  | { readonly npmPackage: string; readonly version: string; readonly integrity: string };

export interface StoredObjectArgs {
  /** The object's name in the bucket. */
  readonly key: string;
  readonly content: ObjectContent;
}

/** An object in the bucket; whoever needs it to be there uses this `key`, which is known once it is uploaded. */
export interface StoredObject {
  readonly key: pulumi.Output<string>;
}

/**
 * The object store of a deployment: private, and protected from `destroy` unless the configuration says otherwise.
 * Machines may read `releases/` and `runtimes/` in it, and read, write and list `files/`.
 */
export abstract class Bucket extends pulumi.ComponentResource {
  abstract readonly bucketName: pulumi.Output<string>;

  protected constructor(name: string, args: BucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("switchyard:index:Bucket", name, {}, { ...opts, protect: args.protect });
  }

  /**
   * Uploads an object that machines fetch. It is no child of the bucket (the bucket's protection is not its own) and
   * is kept on delete: machines that heal in the middle of a rollout still need the previous one.
   */
  abstract store(name: string, args: StoredObjectArgs, opts?: pulumi.CustomResourceOptions): StoredObject;
}
