import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";
import { Network, type NetworkArgs } from "../../components/network.ts";
import type { Settings } from "../../config/settings.ts";
import { address } from "./openings.ts";
import * as local from "./resources.ts";

export interface LocalNetworkArgs extends NetworkArgs {
  readonly cloud: Input<string>;
  /** Their ports are looked at before anything that stands behind them is made. */
  readonly listeners: Pick<Settings, "loadBalancer" | "controller">;
}

type Edge = Pick<Settings["loadBalancer"], "port" | "allow">;

/** A range of loopback addresses. Firewalls between processes of one user do not exist here, only the listener's. */
export class LocalNetwork extends Network {
  /** The id of the local cloud. */
  readonly cloud: Input<string>;
  readonly network: local.Network;
  readonly subnets: readonly string[];

  constructor(name: string, args: LocalNetworkArgs, opts?: ComponentResourceOptions) {
    super(name, args, opts);
    this.cloud = args.cloud;
    this.subnets = args.subnets.map(({ cidr }) => cidr);
    const { loadBalancer, controller } = args.listeners;
    const edge = edgeOf(loadBalancer);
    this.network = new local.Network(
      name,
      {
        cloud: this.cloud,
        cidr: args.cidr,
        subnets: this.subnets,
        edge,
        ...(controller && { controller: edgeOf(controller) }),
      },
      { parent: this },
    );
    this.registerOutputs({ id: this.network.id });
  }
}

function edgeOf({ port, allow }: Edge): Edge & { readonly address: string } {
  return { address, port, allow };
}
