import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";
import { Network, type NetworkArgs } from "../../components/network.ts";
import type { Edge } from "./cloud/specs.ts";
import * as local from "./resources.ts";

/** Where the load balancer listens: this machine alone. */
const address = "127.0.0.1";

/** A range of loopback addresses. Firewalls between processes of one user do not exist here, only the listener's. */
export class LocalNetwork extends Network {
  /** The id of the local cloud. */
  readonly cloud: Input<string>;
  readonly network: local.Network;
  readonly subnets: readonly string[];
  readonly edge: Edge;

  constructor(
    name: string,
    args: NetworkArgs & { readonly cloud: Input<string> },
    opts?: ComponentResourceOptions,
  ) {
    super(name, args, opts);
    this.cloud = args.cloud;
    this.subnets = args.subnets.map(({ cidr }) => cidr);
    this.edge = { address, port: args.edge.port, allow: args.edge.allow };
    this.network = new local.Network(
      name,
      { cloud: this.cloud, cidr: args.cidr, subnets: this.subnets, edge: this.edge },
      { parent: this },
    );
    this.registerOutputs({ id: this.network.id });
  }
}
