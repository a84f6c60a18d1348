import * as pulumi from "@pulumi/pulumi";
import type { AccessRule, NetworkSettings } from "../config/settings.ts";

export interface NetworkArgs extends NetworkSettings {
  /** The firewall in front of the load balancer: its port, that of HTTPS if there is a certificate, and who may reach them. */
  readonly edge: {
    readonly port: number;
    readonly certificate?: string | undefined;
    readonly allow: readonly string[];
  };
  /** The firewall of the machines: the app's port, reachable from the load balancer alone. */
  readonly app: { readonly port: number };
  /** Who else may reach the machines, port by port. */
  readonly access: readonly AccessRule[];
}

/**
 * The network a deployment lives in, with both of its firewalls: `edge` for the load balancer and `app` for the
 * machines, so that machines which join later use the same ones.
 */
export abstract class Network extends pulumi.ComponentResource {
  protected constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("switchyard:index:Network", name, { cidr: args.cidr }, opts);
  }
}
