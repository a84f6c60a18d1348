import type { ComponentResourceOptions, Output, Resource } from "@pulumi/pulumi";
import { Network, type NetworkArgs } from "../../components/network.ts";
import type { SubnetSettings } from "../../config/settings.ts";
import { type OpenstackContext, tagsOf } from "./context.ts";
import { makeFirewalls } from "./firewalls.ts";
import * as openstack from "./resources.ts";

/** A subnet, and in which of Nova's availability zones its machines are placed; absent: Nova chooses. */
export interface OpenstackSubnet {
  readonly id: Output<string>;
  readonly zone?: string | undefined;
}

/**
 * A network whose subnets one router leads to the external network. Machines have no public addresses; they reach the
 * internet, Keystone and Swift through the router. A subnet is named for its range, which it keeps for life.
 */
export class OpenstackNetwork extends Network {
  readonly cidr: string;
  readonly networkId: Output<string>;
  /** By their place in the configuration. */
  readonly subnets: readonly OpenstackSubnet[];
  readonly edgeGroupId: Output<string>;
  readonly appGroupId: Output<string>;
  /** The way out, and rules: they must be there before a machine boots or a floating IP is given, and go after it. */
  readonly reachability: readonly Resource[];

  constructor(name: string, args: NetworkArgs, context: OpenstackContext, opts?: ComponentResourceOptions) {
    super(name, args, opts);
    this.cidr = args.cidr;
    const parent = { parent: this };
    const { cloud } = context;
    const tags = tagsOf(context);
    const network = new openstack.Network(
      name,
      { adminStateUp: true, ...(cloud.portSecurity && { portSecurityEnabled: true }), tags },
      parent,
    );
    this.networkId = network.id;
    const router = new openstack.Router(
      "router",
      { externalNetworkId: cloud.externalNetwork.id, adminStateUp: true, tags },
      parent,
    );
    const subnets = args.subnets.map((subnet) => this.#subnet(subnet, context));
    const interfaces = args.subnets.map(
      ({ cidr }, place) =>
        new openstack.RouterInterface(
          subnetName(cidr),
          { routerId: router.id, subnetId: subnets[place]?.id ?? "" },
          parent,
        ),
    );
    this.subnets = args.subnets.map(({ zone }, place) => ({
      id: subnets[place]?.id as Output<string>,
      zone,
    }));
    const { edge, app, rules } = makeFirewalls(args, context, parent);
    this.edgeGroupId = edge.id;
    this.appGroupId = app.id;
    this.reachability = [...interfaces, ...rules];
    this.registerOutputs({ networkId: network.id });
  }

  #subnet({ cidr }: SubnetSettings, context: OpenstackContext): openstack.Subnet {
    const { dnsServers } = context.cloud;
    return new openstack.Subnet(
      subnetName(cidr),
      {
        networkId: this.networkId,
        cidr,
        ipVersion: 4,
        enableDhcp: true,
        ...(dnsServers.length > 0 && { dnsNameservers: [...dnsServers] }),
        tags: tagsOf(context),
      },
      { parent: this },
    );
  }
}

/** What a subnet is called in the program: it keeps its range for life. */
export function subnetName(cidr: string): string {
  return `sn-${cidr.replaceAll(/[./]/g, "-")}`;
}
