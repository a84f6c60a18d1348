import * as pulumi from "@pulumi/pulumi";
import { AdminToken } from "../../components/admin-token.ts";
import { Bucket, type BucketArgs, type ObjectPlace } from "../../components/bucket.ts";
import { logicalName, nameOf, type OpenstackContext } from "./context.ts";
import { Container, type ContainerArgs } from "./resources.ts";

/** What the parts of large files are in, beside the container of the files (service/storage/swift-account.ts). */
const segmentsOf = (container: pulumi.Input<string>) => pulumi.interpolate`${container}_segments`;

/**
 * Two containers of Swift, because a role cannot be limited to a part of one: of the files, and of releases and runtimes;
 * beside each, one of the parts of large objects. All are private, as Swift makes them.
 */
export class OpenstackBucket extends Bucket {
  readonly bucketName: pulumi.Output<string>;
  readonly segmentsName: pulumi.Output<string>;
  /** The container of releases and runtimes. */
  readonly releasesName: pulumi.Output<string>;
  /** What links to files are signed with; a secret. */
  readonly temporaryUrlKey: pulumi.Output<string>;
  protected readonly objects: ObjectPlace;

  constructor(
    name: string,
    args: BucketArgs,
    context: OpenstackContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(name, args, opts);
    const parent = { parent: this };
    const { project, authUrl, region, cloud } = context;
    const keys = this.#temporaryUrlKeys(context);
    this.temporaryUrlKey = keys[0] as pulumi.Output<string>;
    const container = (container: string, more: Partial<ContainerArgs> = {}) =>
      new Container(container, { forceDestroy: args.empty, ...more }, parent);
    const given = nameOf(context, "bucket");
    const files = container(logicalName(`${project}-${name}`, given), {
      ...(given && { name: given }),
      ...(cloud.tempUrl === "container" && { metadata: keyMetadata(keys) }),
    });
    this.bucketName = files.name;
    this.segmentsName = container(logicalName(`${project}-${name}-segments`, given), {
      name: segmentsOf(files.name),
    }).name;
    const releases = container(`${project}-releases`);
    const parts = container(`${project}-releases-segments`, { name: segmentsOf(releases.name) });
    this.releasesName = releases.name;
    this.objects = {
      cloud: "openstack",
      bucket: releases.name,
      access: { authUrl, region },
      guards: [parts],
    };
    this.registerOutputs({ bucketName: this.bucketName });
  }

  /** Those that are configured, of which the first signs; else one that is made once, and stays. */
  #temporaryUrlKeys({ cloud }: OpenstackContext): pulumi.Output<string>[] {
    if (cloud.tempUrlKeys.length > 0) return cloud.tempUrlKeys.map((key) => pulumi.secret(key));
    return [new AdminToken("temp-url-key", { parent: this }).token];
  }
}

/** Both keys that a container may have, so that links which the second one signed stay good (Swift, "TempURL"). */
function keyMetadata(keys: readonly pulumi.Output<string>[]) {
  const [first, second] = keys;
  return {
    ...(first && { "Temp-URL-Key": first }),
    ...(second && { "Temp-URL-Key-2": second }),
  };
}
