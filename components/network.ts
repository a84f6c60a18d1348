import * as pulumi from "@pulumi/pulumi";
import type { AccessRule, NetworkSettings } from "../config/settings.ts";

export interface NetworkArgs extends NetworkSettings {
  /** The firewall of the machines: the app's port, reachable from the load balancer alone. */
  readonly app: { readonly port: number };
  /** Who else may reach the machines, port by port. */
  readonly access: readonly AccessRule[];
}

/**
 * The network a deployment lives in, with the firewalls that everything in it shares: that of the machines, so that those
 * which join later use it too, and that of load balancers, which each opens for its own clients.
 */
export abstract class Network extends pulumi.ComponentResource {
  protected constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("switchyard:index:Network", name, { cidr: args.cidr }, opts);
  }
}
