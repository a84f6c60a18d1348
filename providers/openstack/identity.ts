import * as pulumi from "@pulumi/pulumi";
import type { Owner } from "./bucket.ts";
import { logicalName, nameOf, type OpenstackContext } from "./context.ts";
import { ApplicationCredential } from "./resources.ts";

/** What somebody does with a container; each is needed by a call of the app (service/storage/swift*.ts) or of the startup script. */
export interface Grant {
  readonly container: pulumi.Input<string>;
  readonly objects: readonly string[];
  readonly itself: readonly string[];
}

/** What a machine fetches. */
export const fetches = { objects: ["GET"], itself: [] } as const;

/** What the app does with files, and the controller with its document (service/storage/swift-documents.ts). */
export const keeps = {
  machines: { objects: ["GET", "HEAD", "PUT", "POST", "DELETE"], itself: ["GET", "HEAD"] },
  controller: { objects: ["GET", "PUT", "DELETE"], itself: ["GET"] },
} as const satisfies Record<Owner, unknown>;

/**
 * What the controller asks of machines, their ports and members, and of what there is to choose from
 * (service/compute/openstack/). OpenStack knows no narrower right: it may do so with all that the project has. Where a
 * service stands below a path of its own, that is in front.
 */
export const controllerCalls: Readonly<Record<string, readonly string[]>> = {
  compute: [
    "GET /flavors/detail",
    "GET /servers/detail",
    "POST /servers",
    "DELETE /servers/*",
    "GET /servers/*/os-instance-actions",
    "POST /servers/*/action",
  ],
  image: ["GET /images", "GET /images/*"],
  "load-balancer": [
    "GET /lbaas/pools/*/members",
    "POST /lbaas/pools/*/members",
    "PUT /lbaas/pools/*/members/*",
    "DELETE /lbaas/pools/*/members/*",
  ],
  network: [
    "GET /networks",
    "GET /ports",
    "POST /ports",
    "PUT /ports/*",
    "PUT /ports/*/tags",
    "DELETE /ports/*",
    // Asked by Octavia, with the token of who adds a member.
    "GET /subnets/*",
  ],
};

/** Paths below any version: `*` is one segment, `**` is any number (Identity API v3, "Application Credentials", access rules). */
export function callRules() {
  return Object.entries(controllerCalls).flatMap(([service, calls]) =>
    calls.map((call) => {
      const [method = "", path = ""] = call.split(" ");
      return { service, method, path: `/**${path}` };
    }),
  );
}

/** Paths below any account. */
export function containerRules(grants: readonly Grant[]) {
  return grants.flatMap(({ container, objects, itself }) => {
    const path = pulumi.interpolate`/v1/*/${container}`;
    const service = "object-store";
    return [
      ...objects.map((method) => ({ service, method, path: pulumi.interpolate`${path}/**` })),
      ...itself.map((method) => ({ service, method, path })),
    ];
  });
}

/**
 * Who a machine is to OpenStack: one application credential for all machines of a deployment, and one for the controller.
 * Nova gives machines no identity of their own, so its secret is in their user data. Where the cloud heeds access rules, it
 * may do with these containers what the app does, and nothing else; the controller besides what `controllerCalls` says.
 */
export class MachineCredential extends pulumi.ComponentResource {
  readonly credentialId: pulumi.Output<string>;
  /** A secret. */
  readonly secret: pulumi.Output<string>;

  constructor(
    owner: Owner,
    grants: readonly Grant[],
    context: OpenstackContext,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("switchyard:openstack:MachineCredential", owner, {}, opts);
    const { cloud, project } = context;
    const isController = owner === "controller";
    const existing = isController ? cloud.controllerCredential : cloud.credential;
    if (existing) {
      this.credentialId = pulumi.output(existing.id);
      this.secret = pulumi.secret(existing.secret);
    } else {
      const given = isController ? undefined : nameOf(context, "machineCredential");
      const accessRules = [...containerRules(grants), ...(isController ? callRules() : [])];
      const made = new ApplicationCredential(
        logicalName(`${project}-${owner}`, given),
        {
          ...(given && { name: given }),
          description: `${isController ? "Controller" : "Machines"} of ${project}`,
          roles: [...(isController ? cloud.controllerRoles : cloud.roles)],
          unrestricted: false,
          ...(cloud.accessRules && { accessRules }),
        },
        { parent: this },
      );
      this.credentialId = made.id;
      this.secret = made.secret;
    }
    this.registerOutputs({});
  }

  /** How a machine is told of it. */
  login({ authUrl, region }: OpenstackContext) {
    return {
      environment: {
        OS_AUTH_URL: authUrl,
        OS_REGION_NAME: region,
        OS_APPLICATION_CREDENTIAL_ID: this.credentialId,
      },
      secrets: { OS_APPLICATION_CREDENTIAL_SECRET: this.secret },
    };
  }
}
