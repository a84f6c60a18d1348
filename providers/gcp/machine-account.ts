import * as pulumi from "@pulumi/pulumi";
import type { GcpBucket } from "./bucket.ts";
import { type GcpContext, logicalName, nameOf } from "./context.ts";
import { Account, BucketIAMMember, IAMCustomRole, IAMMember, ProjectIAMMember } from "./resources.ts";

export interface Grant {
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
export interface Rights {
  readonly displayName: string;
  /** What begins the names of its parts in the program. */
  readonly prefix: string;
  readonly onBucket: readonly Grant[];
  /** Whether it signs URLs in its own name. */
  readonly signs: boolean;
  readonly inProject: readonly string[];
}

/** Whose account it is. */
export type Owner = "machines" | "controller";

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

/** What each may do. */
export const rightsOf: Readonly<Record<Owner, Rights>> = { machines: ofMachines, controller: ofController };

/** The rights of signing URLs, and of setting sizes. */
export const signPermissions: readonly string[] = ["iam.serviceAccounts.signBlob"];

/** A deleted role keeps its id for 37 days, so each has the account's, which is never the same again unless it is given. */
export function roleIdOf(accountId: string, part: string): string {
  return `switchyard_${accountId.replaceAll("-", "_")}_${part}`;
}

/**
 * Who a machine is to Google: one service account for all machines of a deployment, which may do what each of these roles
 * says with this bucket, and sign for itself, and nothing else in the project; and one for the controller. One that was made
 * beforehand has its roles, and whatever they are for but the bucket. It is no child of the bucket, whose protection is not
 * its own.
 */
export class MachineAccount extends pulumi.ComponentResource {
  readonly email: pulumi.Output<string>;
  /** Without them a machine may not do what it does first. */
  readonly grants: readonly pulumi.Resource[];
  readonly #context: GcpContext;

  constructor(
    name: string,
    bucket: GcpBucket,
    owner: Owner,
    context: GcpContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("switchyard:gcp:MachineAccount", name, {}, opts);
    this.#context = context;
    const rights = rightsOf[owner];
    const given = context.identities?.[owner];
    if (given === undefined) {
      const account = this.#account(name, owner, rights);
      this.email = account.email;
      this.grants = [...this.#onBucket(bucket, rights, account), ...this.#besides(rights, account)];
    } else {
      this.email = pulumi.output(given);
      this.grants = this.#onBucket(bucket, rights, given);
    }
    this.registerOutputs({});
  }

  #account(name: string, owner: Owner, { displayName }: Rights): Account {
    const given = owner === "machines" ? nameOf(this.#context, "machineAccount") : undefined;
    return new Account(
      logicalName(name, given),
      { ...(given && { accountId: given }), displayName },
      { parent: this, dependsOn: this.#context.apis.iam },
    );
  }

  #role(account: Account, prefix: string, part: string, title: string, permissions: readonly string[]) {
    const roleId = account.accountId.apply((id) => roleIdOf(id, part));
    const args = { roleId, title, permissions: [...permissions] };
    return new IAMCustomRole(`${prefix}${part}`, args, { parent: this }).name;
  }

  #onBucket(
    { bucketName }: GcpBucket,
    { prefix, onBucket }: Rights,
    account: Account | string,
  ): pulumi.Resource[] {
    const { gcpProject } = this.#context;
    return onBucket.map(({ name: part, title, permissions, condition }) => {
      const whose =
        typeof account === "string"
          ? {
              role: `projects/${gcpProject}/roles/${roleIdOf(account.replace(/@.*/, ""), part)}`,
              member: `serviceAccount:${account}`,
            }
          : { role: this.#role(account, prefix, part, title, permissions), member: account.member };
      return new BucketIAMMember(
        `${prefix}${part}`,
        {
          bucket: bucketName,
          ...whose,
          condition: { title: `${prefix}${part}`, expression: bucketName.apply(condition) },
        },
        { parent: this },
      );
    });
  }

  /** To sign in its own name, and to set the size of groups. */
  #besides({ displayName, prefix, signs, inProject }: Rights, account: Account): pulumi.Resource[] {
    const parent = { parent: this };
    const { gcpProject: project, apis } = this.#context;
    const grants: pulumi.Resource[] = [];
    if (signs) {
      const role = this.#role(account, prefix, "sign", `${displayName}: sign URLs`, signPermissions);
      grants.push(
        new IAMMember(
          "sign",
          { serviceAccountId: account.name, role, member: account.member },
          { ...parent, dependsOn: apis.iamcredentials },
        ),
      );
    }
    if (inProject.length > 0) {
      const role = this.#role(account, prefix, "size", `${displayName}: set the size of groups`, inProject);
      grants.push(new ProjectIAMMember(`${prefix}size`, { project, role, member: account.member }, parent));
    }
    return grants;
  }
}
