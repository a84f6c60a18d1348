import * as pulumi from "@pulumi/pulumi";
import type { BucketSettings } from "../config/settings.ts";

export type BucketArgs = BucketSettings;

/** Where the bytes of a stored object come from when it is uploaded. */
export type ObjectContent =
  /** A file of the project's, by a path relative to its root, and the hex SHA-256 that it must have. */
  | { readonly file: string; readonly sha256: string }
  /** What an earlier deployment has stored, by its hex SHA-256: it must be there. */
  | { readonly kept: string }
  /** A package exactly as its registry publishes it, checked against the lock file's `integrity` when fetched. */
  | { readonly npmPackage: string; readonly version: string; readonly integrity: string };

export interface StoredObjectArgs {
  /** The object's name in the bucket. */
  readonly key: string;
  readonly content: ObjectContent;
}

/** Where a cloud keeps what the deployment itself stores, and how its own `objectsOf` reaches that (operations/files.ts). */
export interface ObjectPlace {
  readonly cloud: string;
  /** The bucket, or one beside it where rights cannot be limited to a prefix. */
  readonly bucket: pulumi.Input<string>;
  /** A region, a profile; no secrets. Default: nothing. */
  readonly access?: Readonly<Record<string, pulumi.Input<string>>>;
  /** What keeps the bucket private: nothing is stored before that. Default: nothing. */
  readonly guards?: readonly pulumi.Resource[];
}

/** An object in the bucket; whoever needs it to be there uses this `key`, which is known once it is uploaded. */
export class StoredObject extends pulumi.CustomResource {
  declare readonly key: pulumi.Output<string>;

  constructor(
    name: string,
    { guards: _, ...args }: ObjectPlace & StoredObjectArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super("switchyard:index:StoredObject", name, args, opts);
  }
}

/**
 * The object store of a deployment: private, and protected from `destroy` unless the configuration says otherwise.
 * Machines may read `releases/` and `runtimes/` in it, and read, write and list `files/`.
 */
export abstract class Bucket extends pulumi.ComponentResource {
  /** The bucket of the files. */
  abstract readonly bucketName: pulumi.Output<string>;
  protected abstract readonly objects: ObjectPlace;

  protected constructor(name: string, args: BucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("switchyard:index:Bucket", name, {}, { ...opts, protect: args.protect });
  }

  /**
   * Uploads an object that machines fetch. It is no child of the bucket (the bucket's protection is not its own) and
   * is kept on delete: machines that heal in the middle of a rollout still need the previous one.
   */
  store(name: string, args: StoredObjectArgs, opts?: pulumi.CustomResourceOptions): StoredObject {
    const dependsOn = [...(this.objects.guards ?? [])];
    return new StoredObject(name, { ...this.objects, ...args }, { retainOnDelete: true, dependsOn, ...opts });
  }
}
