import * as pulumi from "@pulumi/pulumi";
import { AdminToken } from "../../components/admin-token.ts";
import type { BucketArgs, ObjectPlace } from "../../components/bucket.ts";
import { type MachineAccess, OpenstackBucket } from "./bucket.ts";
import { logicalName, nameOf, type OpenstackContext } from "./context.ts";
import { MachineCredential } from "./identity.ts";
import { Container, type ContainerArgs } from "./resources.ts";

/**
 * Two containers of Swift, because a role cannot be limited to a part of one: of the files, and of releases and runtimes.
 * Both are private, as Swift makes them.
 */
export class SwiftBucket extends OpenstackBucket {
  readonly bucketName: pulumi.Output<string>;
  /** The container of releases and runtimes. */
  readonly releasesName: pulumi.Output<string>;
  protected readonly objects: ObjectPlace;
  readonly #context: OpenstackContext;
  /** What links to files are signed with, the first one; secrets. */
  readonly #keys: readonly pulumi.Output<string>[];

  constructor(
    name: string,
    args: BucketArgs,
    context: OpenstackContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(name, args, opts);
    this.#context = context;
    const parent = { parent: this };
    const { project, authUrl, region, cloud } = context;
    this.#keys = this.#temporaryUrlKeys();
    const container = (container: string, more: Partial<ContainerArgs> = {}) =>
      new Container(container, { forceDestroy: args.empty, ...more }, parent);
    const given = nameOf(context, "bucket");
    const files = container(logicalName(`${project}-${name}`, given), {
      ...(given && { name: given }),
      ...(cloud.tempUrl === "container" && { metadata: keyMetadata(this.#keys) }),
    });
    this.bucketName = files.name;
    const releases = container(`${project}-releases`);
    this.releasesName = releases.name;
    this.objects = {
      cloud: "openstack",
      bucket: releases.name,
      access: { authUrl, region },
    };
    this.registerOutputs({ bucketName: this.bucketName });
  }

  override machineAccess(): MachineAccess {
    const { authUrl, region } = this.#context;
    const credential = new MachineCredential("machines", this, this.#context);
    const keystone = { OS_AUTH_URL: authUrl, OS_REGION_NAME: region };
    const [key] = this.#keys;
    return {
      settings: { CONTAINER: this.releasesName, ...keystone },
      environment: {
        STORE: "swift",
        BUCKET: this.bucketName,
        ...keystone,
        OS_APPLICATION_CREDENTIAL_ID: credential.credentialId,
      },
      secrets: {
        OS_APPLICATION_CREDENTIAL_SECRET: credential.secret,
        ...(key && { SWIFT_TEMP_URL_KEY: key }),
      },
    };
  }

  /** Those that are configured, of which the first signs; else one that is made once, and stays: it is protected, too. */
  #temporaryUrlKeys(): pulumi.Output<string>[] {
    const { tempUrl, tempUrlKeys } = this.#context.cloud;
    const { token } = new AdminToken("temp-url-key", { parent: this });
    if (tempUrl === "off") return [];
    return tempUrlKeys.length > 0 ? tempUrlKeys.map((key) => pulumi.secret(key)) : [token];
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
