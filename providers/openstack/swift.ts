import * as pulumi from "@pulumi/pulumi";
import { AdminToken } from "../../components/admin-token.ts";
import type { BucketArgs, ObjectPlace } from "../../components/bucket.ts";
import { type MachineAccess, OpenstackBucket, type Owner } from "./bucket.ts";
import { logicalName, nameOf, type OpenstackContext } from "./context.ts";
import { fetches, keeps, MachineCredential } from "./identity.ts";
import { Container, type ContainerArgs, Contents } from "./resources.ts";

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
  readonly #args: BucketArgs;
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
    this.#args = args;
    const parent = { parent: this };
    const { project, authUrl, region, cloud } = context;
    this.#keys = this.#temporaryUrlKeys();
    const container = (logical: string, more: Partial<ContainerArgs> = {}) => {
      const { name: container } = new Container(logical, { forceDestroy: args.empty, ...more }, parent);
      return new Contents(logical, { authUrl, region, container, empty: args.empty }, parent).container;
    };
    const given = nameOf(context, "bucket");
    this.bucketName = container(logicalName(`${project}-${name}`, given), {
      ...(given && { name: given }),
      ...(cloud.tempUrl === "container" && { metadata: keyMetadata(this.#keys) }),
    });
    this.releasesName = container(`${project}-releases`);
    this.objects = {
      cloud: "openstack",
      bucket: this.releasesName,
      access: { authUrl, region },
    };
    this.registerOutputs({ bucketName: this.bucketName });
  }

  override machineAccess(owner: Owner): MachineAccess {
    const { authUrl, region } = this.#context;
    const container = owner === "controller" ? this.#documents() : this.bucketName;
    const grants = [
      { container: this.releasesName, ...fetches },
      { container, ...keeps[owner] },
    ];
    const { environment, secrets } = new MachineCredential(owner, grants, this.#context).login(this.#context);
    const [key] = owner === "controller" ? [] : this.#keys;
    return {
      settings: { CONTAINER: this.releasesName, OS_AUTH_URL: authUrl, OS_REGION_NAME: region },
      environment: { STORE: "swift", BUCKET: container, ...environment },
      secrets: { ...secrets, ...(key && { SWIFT_TEMP_URL_KEY: key }) },
    };
  }

  /**
   * The controller's own container, of its document: no child of the bucket, whose protection would keep a stack from going
   * on without a controller. It is kept, and found again by its name, unless files may be deleted, too.
   */
  #documents(): pulumi.Output<string> {
    const { project } = this.#context;
    const name = pulumi.interpolate`${this.bucketName}-controller`;
    const { protect, empty } = this.#args;
    const options = { retainOnDelete: protect || !empty };
    return new Container(`${project}-controller`, { name, forceDestroy: empty }, options).name;
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
