import * as pulumi from "@pulumi/pulumi";
import { AdminToken } from "../../components/admin-token.ts";
import type { BucketArgs, ObjectPlace } from "../../components/bucket.ts";
import type { OpenstackS3Settings } from "../../config/settings.ts";
import { type MachineAccess, OpenstackBucket, type Owner } from "./bucket.ts";
import { logicalName, nameOf, type OpenstackContext } from "./context.ts";
import { MachineCredential } from "./identity.ts";
import { Ec2CredentialV3, S3Bucket } from "./resources.ts";

/** One bucket of a service that speaks S3, which the plugin makes with the access key of who deploys. It is private. */
export class OpenstackS3 extends OpenstackBucket {
  readonly bucketName: pulumi.Output<string>;
  protected readonly objects: ObjectPlace;
  readonly #s3: OpenstackS3Settings;
  readonly #context: OpenstackContext;
  /** The access key that the program makes, for all machines. */
  #made: Ec2CredentialV3 | undefined;

  constructor(
    name: string,
    args: BucketArgs,
    context: OpenstackContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(name, args, opts);
    this.#context = context;
    const { project, cloud } = context;
    if (!cloud.s3) throw new Error("switchyard:openstack.s3 is missing, and the rules have let that pass");
    this.#s3 = cloud.s3;
    const { endpoint, region } = cloud.s3;
    const given = nameOf(context, "bucket");
    const bucket = new S3Bucket(
      logicalName(`${project}-${name}`, given),
      { endpoint, region, bucket: given ?? this.#ownName(`${project}-${name}`), empty: args.empty },
      { parent: this },
    );
    this.bucketName = bucket.bucket;
    this.objects = { cloud: "openstack", bucket: this.bucketName, access: { endpoint, region } };
    this.registerOutputs({ bucketName: this.bucketName });
  }

  /** A name that nobody else has: names are the whole service's. */
  #ownName(prefix: string): pulumi.Output<string> {
    const { sha256 } = new AdminToken("bucket-name", { parent: this });
    return pulumi.interpolate`${prefix}-${sha256.apply((digits) => digits.slice(0, 10))}`;
  }

  override machineAccess(owner: Owner): MachineAccess {
    const { endpoint, region, credential } = this.#s3;
    if (!credential) this.#made ??= new Ec2CredentialV3("machines");
    const made = this.#made;
    // Nova's and Octavia's machines are no store's: for these the controller has another.
    const own = owner === "controller" ? new MachineCredential(owner, [], this.#context) : undefined;
    const login = own?.login(this.#context);
    const place = { BUCKET: this.bucketName, AWS_REGION: region, S3_ENDPOINT: endpoint };
    return {
      settings: place,
      environment: {
        STORE: "s3",
        ...place,
        AWS_ACCESS_KEY_ID: made?.access ?? credential?.id ?? "",
        ...login?.environment,
      },
      secrets: { AWS_SECRET_ACCESS_KEY: made?.secret ?? credential?.secret ?? "", ...login?.secrets },
    };
  }
}
