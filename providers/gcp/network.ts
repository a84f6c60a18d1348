import type { ComponentResourceOptions, Output, Resource } from "@pulumi/pulumi";
import { Network, type NetworkArgs } from "../../components/network.ts";
import type { SubnetSettings } from "../../config/settings.ts";
import { isPublic } from "./config.ts";
import type { GcpContext } from "./context.ts";
import { makeFirewall } from "./firewalls.ts";
import * as gcp from "./resources.ts";

/** A subnet, and which of its zones machines are placed in. */
export interface GcpSubnet {
  readonly id: Output<string>;
  readonly zone: string;
  /** Whether its machines have public addresses. */
  readonly isPublic: boolean;
}

/**
 * A VPC of its own, without subnets but those configured. Machines reach the bucket by Google's own network (Private Google
 * Access); they have public addresses only where somebody may reach them, and reach the internet otherwise if there is a
 * gateway. A subnet is named for its range, which it keeps for life.
 */
export class GcpNetwork extends Network {
  readonly networkName: Output<string>;
  /** By their place in the configuration. */
  readonly subnets: readonly GcpSubnet[];
  /** What must be there before a machine boots. */
  readonly reachability: readonly Resource[];

  constructor(name: string, args: NetworkArgs, context: GcpContext, opts?: ComponentResourceOptions) {
    super(name, args, opts);
    const parent = { parent: this };
    const network = new gcp.Network(
      name,
      // What tells networks of several stacks apart; a later one would make the network anew.
      { autoCreateSubnetworks: false, description: `Network of ${context.project}` },
      { ...parent, dependsOn: context.apis.compute, ignoreChanges: ["description"] },
    );
    this.networkName = network.name;
    this.subnets = args.subnets.map((subnet, place) => ({
      id: this.#subnet(subnet, network, args, context).id,
      zone: subnet.zone ?? "",
      isPublic: isPublic(args, place, args.access),
    }));
    const firewall = makeFirewall(args, network.id, context, parent);
    this.reachability = [...firewall, ...(args.nat === "one" ? [this.#gateway(network, context)] : [])];
    this.registerOutputs({ networkId: network.id });
  }

  #subnet(
    { cidr }: SubnetSettings,
    network: gcp.Network,
    { flowLogs }: NetworkArgs,
    { region }: GcpContext,
  ): gcp.Subnetwork {
    const logConfig = {
      aggregationInterval: "INTERVAL_5_SEC",
      flowSampling: 1,
      metadata: "INCLUDE_ALL_METADATA",
    };
    return new gcp.Subnetwork(
      `sn-${cidr.replaceAll(/[./]/g, "-")}`,
      {
        network: network.id,
        region,
        ipCidrRange: cidr,
        privateIpGoogleAccess: true,
        ...(flowLogs && { logConfig }),
      },
      { parent: this },
    );
  }

  /** The way to the internet of machines without public addresses, in all zones. */
  #gateway(network: gcp.Network, { region }: GcpContext): Resource {
    const parent = { parent: this };
    const router = new gcp.Router("nat", { network: network.id, region }, parent);
    return new gcp.RouterNat(
      "nat",
      {
        router: router.name,
        region,
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "ALL_SUBNETWORKS_ALL_IP_RANGES",
      },
      parent,
    );
  }
}
