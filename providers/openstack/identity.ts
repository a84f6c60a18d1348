import * as pulumi from "@pulumi/pulumi";
import { logicalName, nameOf, type OpenstackContext } from "./context.ts";
import { ApplicationCredential } from "./resources.ts";
import type { SwiftBucket } from "./swift.ts";

/** What machines do with each container; each is needed by a call of the app (service/storage/swift*.ts) or of the startup script. */
const grants = [
  { container: "releases", objects: ["GET"], itself: [] },
  { container: "files", objects: ["GET", "HEAD", "PUT", "POST", "DELETE"], itself: ["GET", "HEAD"] },
] as const;

/**
 * Who a machine is to OpenStack: one application credential for all machines of a deployment. Nova gives machines no
 * identity of their own, so its secret is in their user data. Where the cloud heeds access rules, it may do with these
 * containers what the app does, and nothing else.
 */
export class MachineCredential extends pulumi.ComponentResource {
  readonly credentialId: pulumi.Output<string>;
  /** A secret. */
  readonly secret: pulumi.Output<string>;

  constructor(
    name: string,
    bucket: SwiftBucket,
    context: OpenstackContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("switchyard:openstack:MachineCredential", name, {}, opts);
    const { cloud, project } = context;
    if (cloud.credential) {
      this.credentialId = pulumi.output(cloud.credential.id);
      this.secret = pulumi.secret(cloud.credential.secret);
    } else {
      const given = nameOf(context, "machineCredential");
      const made = new ApplicationCredential(
        logicalName(`${project}-${name}`, given),
        {
          ...(given && { name: given }),
          description: `Machines of ${project}`,
          roles: [...cloud.roles],
          unrestricted: false,
          ...(cloud.accessRules && { accessRules: accessRules(bucket) }),
        },
        { parent: this },
      );
      this.credentialId = made.id;
      this.secret = made.secret;
    }
    this.registerOutputs({});
  }
}

/** Paths below any account: `*` is one segment, `**` is any number (Identity API v3, "Application Credentials", access rules). */
function accessRules({ releasesName, bucketName }: SwiftBucket) {
  const names = { releases: releasesName, files: bucketName };
  return grants.flatMap(({ container, objects, itself }) => {
    const path = pulumi.interpolate`/v1/*/${names[container]}`;
    const service = "object-store";
    return [
      ...objects.map((method) => ({ service, method, path: pulumi.interpolate`${path}/**` })),
      ...itself.map((method) => ({ service, method, path })),
    ];
  });
}
