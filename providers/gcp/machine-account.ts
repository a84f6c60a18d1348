import * as pulumi from "@pulumi/pulumi";
import type { GcpBucket } from "./bucket.ts";
import { type GcpContext, logicalName, nameOf } from "./context.ts";
import { Account, BucketIAMMember, IAMCustomRole, IAMMember } from "./resources.ts";

/** What machines do with the bucket; each permission is needed by a call of the app (service/storage/gcs.ts) or of the startup script. */
const bucketGrants = [
  {
    name: "fetch",
    title: "Switchyard machines: fetch releases and Node.js",
    permissions: ["storage.objects.get"],
    condition: (bucket: string) =>
      `${objectsBelow(bucket, "releases")} || ${objectsBelow(bucket, "runtimes")}`,
  },
  {
    name: "keep",
    title: "Switchyard machines: keep files",
    // To write over a file, one must be allowed to delete it.
    permissions: ["storage.objects.create", "storage.objects.delete", "storage.objects.get"],
    condition: (bucket: string) => objectsBelow(bucket, "files"),
  },
  {
    name: "list",
    title: "Switchyard machines: list files",
    permissions: ["storage.objects.list"],
    condition: () => 'api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("files/")',
  },
] as const;

function objectsBelow(bucket: string, folder: string): string {
  return `resource.name.startsWith("projects/_/buckets/${bucket}/objects/${folder}/")`;
}

/**
 * Who a machine is to Google: one service account for all machines of a deployment, which may do what each of these roles
 * says with this bucket, and sign for itself, and nothing else in the project. It is no child of the bucket, whose
 * protection is not its own.
 */
export class MachineAccount extends pulumi.ComponentResource {
  readonly email: pulumi.Output<string>;
  /** Without them a machine may not do what it does first. */
  readonly grants: readonly pulumi.Resource[];

  constructor(name: string, bucket: GcpBucket, context: GcpContext, opts?: pulumi.ComponentResourceOptions) {
    super("switchyard:gcp:MachineAccount", name, {}, opts);
    const parent = { parent: this };
    const given = nameOf(context, "machineAccount");
    const account = new Account(
      logicalName(name, given),
      { ...(given && { accountId: given }), displayName: "Switchyard machines" },
      { ...parent, dependsOn: context.apis.iam },
    );
    this.email = account.email;
    /** A deleted role keeps its id for 37 days, so each has the account's, which is never the same again unless it is given. */
    const role = (part: string, title: string, permissions: readonly string[]) => {
      const roleId = account.accountId.apply((id) => `switchyard_${id.replaceAll("-", "_")}_${part}`);
      return new IAMCustomRole(part, { roleId, title, permissions: [...permissions] }, parent);
    };
    const onBucket = bucketGrants.map(({ name: part, title, permissions, condition }) => {
      const expression = bucket.bucketName.apply(condition);
      return new BucketIAMMember(
        part,
        {
          bucket: bucket.bucketName,
          role: role(part, title, permissions).name,
          member: account.member,
          condition: { title: part, expression },
        },
        parent,
      );
    });
    const signing = role("sign", "Switchyard machines: sign URLs", ["iam.serviceAccounts.signBlob"]);
    const onItself = new IAMMember(
      "sign",
      { serviceAccountId: account.name, role: signing.name, member: account.member },
      { ...parent, dependsOn: context.apis.iamcredentials },
    );
    this.grants = [...onBucket, onItself];
    this.registerOutputs({});
  }
}
