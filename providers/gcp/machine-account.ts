import * as pulumi from "@pulumi/pulumi";
import type { GcpBucket } from "./bucket.ts";
import { type GcpContext, logicalName, nameOf } from "./context.ts";
import { Account, BucketIAMMember, IAMCustomRole, IAMMember, ProjectIAMMember } from "./resources.ts";

interface Grant {
  readonly name: string;
  readonly title: string;
  readonly permissions: readonly string[];
  readonly condition: (bucket: string) => string;
}

const fetchGrant: Grant = {
  name: "fetch",
  title: "Switchyard machines: fetch releases and Node.js",
  permissions: ["storage.objects.get"],
  condition: (bucket) => `${objectsBelow(bucket, "releases")} || ${objectsBelow(bucket, "runtimes")}`,
};

const keepGrant = (folder: string, name: string, title: string): Grant => ({
  name,
  title,
  // To write over an object, one must be allowed to delete it.
  permissions: ["storage.objects.create", "storage.objects.delete", "storage.objects.get"],
  condition: (bucket) => objectsBelow(bucket, folder),
});

const listGrant = (folder: string, name: string, title: string): Grant => ({
  name,
  title,
  permissions: ["storage.objects.list"],
  condition: () => `api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("${folder}/")`,
});

/** What machines do with the bucket; each permission is needed by a call of the app (service/storage/gcs.ts) or of the startup script. */
const bucketGrants: readonly Grant[] = [
  fetchGrant,
  keepGrant("files", "keep", "Switchyard machines: keep files"),
  listGrant("files", "list", "Switchyard machines: list files"),
];

/** What the controller does with the bucket instead (service/controller/document.ts). */
const controllerGrants: readonly Grant[] = [
  fetchGrant,
  keepGrant("controller", "document", "Switchyard controller: keep its document"),
  listGrant("controller", "find", "Switchyard controller: see that there is no document yet"),
];

/**
 * What it may do in the project: set the size of groups, and see what schedules may name (service/compute/gcp.ts). Google
 * knows no narrower right: its conditions do not tell one group from another. It makes no machines of its own and
 * acts as no account.
 */
const controllerPermissions = [
  "compute.images.get",
  "compute.instanceGroupManagers.get", // and the errors of its machines
  "compute.instanceGroupManagers.update",
  "compute.machineTypes.list",
  "compute.networks.list",
  "compute.regions.get",
];

function objectsBelow(bucket: string, folder: string): string {
  return `resource.name.startsWith("projects/_/buckets/${bucket}/objects/${folder}/")`;
}

/** Whose account it is: what its parts are called, and what it may do. */
interface Rights {
  readonly displayName: string;
  /** What begins the names of its parts in the program. */
  readonly prefix: string;
  readonly onBucket: readonly Grant[];
  /** Whether it signs URLs in its own name. */
  readonly signs: boolean;
  readonly inProject: readonly string[];
}

const ofMachines: Rights = {
  displayName: "Switchyard machines",
  prefix: "",
  onBucket: bucketGrants,
  signs: true,
  inProject: [],
};

const ofController: Rights = {
  displayName: "Switchyard controller",
  prefix: "controller-",
  onBucket: controllerGrants,
  signs: false,
  inProject: controllerPermissions,
};

/**
 * Who a machine is to Google: one service account for all machines of a deployment, which may do what each of these roles
 * says with this bucket, and sign for itself, and nothing else in the project; and one for the controller. It is no child
 * of the bucket, whose protection is not its own.
 */
export class MachineAccount extends pulumi.ComponentResource {
  readonly email: pulumi.Output<string>;
  /** Without them a machine may not do what it does first. */
  readonly grants: readonly pulumi.Resource[];

  constructor(
    name: string,
    bucket: GcpBucket,
    owner: "machines" | "controller",
    context: GcpContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("switchyard:gcp:MachineAccount", name, {}, opts);
    const { displayName, prefix, onBucket, signs, inProject } =
      owner === "machines" ? ofMachines : ofController;
    const parent = { parent: this };
    const given = owner === "machines" ? nameOf(context, "machineAccount") : undefined;
    const account = new Account(
      logicalName(name, given),
      { ...(given && { accountId: given }), displayName },
      { ...parent, dependsOn: context.apis.iam },
    );
    this.email = account.email;
    /** A deleted role keeps its id for 37 days, so each has the account's, which is never the same again unless it is given. */
    const role = (part: string, title: string, permissions: readonly string[]) => {
      const roleId = account.accountId.apply((id) => `switchyard_${id.replaceAll("-", "_")}_${part}`);
      return new IAMCustomRole(`${prefix}${part}`, { roleId, title, permissions: [...permissions] }, parent);
    };
    const grants: pulumi.Resource[] = onBucket.map(({ name: part, title, permissions, condition }) => {
      const expression = bucket.bucketName.apply(condition);
      return new BucketIAMMember(
        `${prefix}${part}`,
        {
          bucket: bucket.bucketName,
          role: role(part, title, permissions).name,
          member: account.member,
          condition: { title: `${prefix}${part}`, expression },
        },
        parent,
      );
    });
    if (signs) {
      const signing = role("sign", `${displayName}: sign URLs`, ["iam.serviceAccounts.signBlob"]);
      grants.push(
        new IAMMember(
          "sign",
          { serviceAccountId: account.name, role: signing.name, member: account.member },
          { ...parent, dependsOn: context.apis.iamcredentials },
        ),
      );
    }
    if (inProject.length > 0) {
      const sizing = role("size", `${displayName}: set the size of groups`, inProject);
      const { gcpProject: project } = context;
      grants.push(
        new ProjectIAMMember(`${prefix}size`, { project, role: sizing.name, member: account.member }, parent),
      );
    }
    this.grants = grants;
    this.registerOutputs({});
  }
}
