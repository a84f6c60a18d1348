import type { ComponentResourceOptions, Output, Resource } from "@pulumi/pulumi";
import { Network, type NetworkArgs } from "../../components/network.ts";
import type { SubnetSettings } from "../../config/settings.ts";
import { edgePlaces } from "./config.ts";
import { type AwsContext, tagsOf } from "./context.ts";
import { anywhere, makeFirewalls } from "./firewalls.ts";
import type { Logs } from "./logs.ts";
import * as aws from "./resources.ts";

/**
 * A VPC. In its public subnets machines have addresses of their own, behind their firewall; from private ones they reach
 * the bucket by an endpoint, and the internet if there is a gateway.
 *
 * A subnet is named for its range, which it keeps for life; its place in the configuration is in its `Name` alone.
 */
export class AwsNetwork extends Network {
  readonly cidr: string;
  readonly vpc: aws.Vpc;
  /** By their place in the configuration. */
  readonly subnetIds: readonly Output<string>[];
  /** One of each zone, as many as a load balancer may have: the first that is public. */
  readonly edgeSubnetIds: readonly Output<string>[];
  readonly edgeGroupId: Output<string>;
  readonly appGroupId: Output<string>;
  readonly appPort: number;
  /** Routes and firewall rules: they must be there before a machine boots, or a load balancer is made. */
  readonly reachability: readonly Resource[];
  readonly #context: AwsContext;

  constructor(
    name: string,
    args: NetworkArgs,
    context: AwsContext,
    logs: (account: Output<string>) => Logs,
    opts?: ComponentResourceOptions,
  ) {
    super(name, args, opts);
    this.#context = context;
    this.cidr = args.cidr;
    const parent = { parent: this };
    const dns = { enableDnsSupport: true, enableDnsHostnames: true };
    this.vpc = new aws.Vpc(name, { cidrBlock: args.cidr, ...dns, tags: tagsOf(context, "vpc") }, parent);
    // Adopted, and so emptied of its rules: what is put into it by oversight reaches nothing.
    new aws.DefaultSecurityGroup("default", { vpcId: this.vpc.id, tags: tagsOf(context, "default") }, parent);
    const subnets = this.#subnets(args);
    const firewalls = makeFirewalls(args, this.vpc.id, context, parent);
    this.subnetIds = subnets.map(({ id }) => id);
    this.edgeSubnetIds = edgePlaces(args).flatMap((place) => this.subnetIds[place] ?? []);
    this.edgeGroupId = firewalls.edge.id;
    this.appGroupId = firewalls.app.id;
    this.appPort = args.app.port;
    this.reachability = [
      ...this.#publicRoutes(args, subnets),
      ...this.#privateRoutes(args, subnets),
      ...firewalls.rules,
    ];
    if (args.flowLogs) this.#flowLog(name, logs(this.vpc.ownerId));
    this.registerOutputs({ vpcId: this.vpc.id });
  }

  #subnets({ subnets }: NetworkArgs): aws.Subnet[] {
    return subnets.map((subnet, place) => {
      const { cidr, zone } = subnet;
      const settings = { cidrBlock: cidr, availabilityZone: zone, mapPublicIpOnLaunch: !subnet.private };
      const tags = tagsOf(this.#context, subnetPart(subnet, place));
      return new aws.Subnet(`sn-${cidr}`, { vpcId: this.vpc.id, ...settings, tags }, { parent: this });
    });
  }

  /** The way from public subnets to the internet and back. */
  #publicRoutes({ subnets }: NetworkArgs, made: readonly aws.Subnet[]): Resource[] {
    const parent = { parent: this };
    const vpcId = this.vpc.id;
    const gateway = new aws.InternetGateway(
      "igw",
      { vpcId, tags: tagsOf(this.#context, "igw") },
      // AWS would move it, but not while addresses in the old VPC need it.
      { ...parent, replaceWith: [this.vpc] },
    );
    const table = new aws.RouteTable("rt", { vpcId, tags: tagsOf(this.#context, "rt") }, parent);
    const internet = { destinationCidrBlock: anywhere, gatewayId: gateway.id };
    return [
      new aws.Route("internet", { routeTableId: table.id, ...internet }, parent),
      ...subnets.flatMap((subnet, place) =>
        subnet.private ? [] : this.#associate(subnet, made[place], table),
      ),
    ];
  }

  /** A table for each zone that has a private subnet, with the bucket in it, and a gateway of the zone's or the first one. */
  #privateRoutes({ subnets, nat }: NetworkArgs, made: readonly aws.Subnet[]): Resource[] {
    const hidden = [...subnets.entries()].filter(([, subnet]) => subnet.private);
    if (hidden.length === 0) return [];
    const parent = { parent: this };
    const vpcId = this.vpc.id;
    const zones = [...new Set(hidden.map(([, { zone = "" }]) => zone))];
    const gateways =
      nat === "none" ? new Map() : this.#natGateways(subnets, made, nat === "one" ? undefined : zones);
    const [first] = gateways.values();
    const routes: Resource[] = [];
    const tables = new Map<string, aws.RouteTable>();
    for (const zone of zones) {
      const part = `rt-prv-${zone}`;
      const table = new aws.RouteTable(part, { vpcId, tags: tagsOf(this.#context, part) }, parent);
      tables.set(zone, table);
      const gateway = nat === "one" ? first : gateways.get(zone);
      if (!gateway) continue;
      const internet = { destinationCidrBlock: anywhere, natGatewayId: gateway.id };
      routes.push(new aws.Route(`nat-${zone}`, { routeTableId: table.id, ...internet }, parent));
    }
    for (const [place, subnet] of hidden) {
      const table = tables.get(subnet.zone ?? "");
      if (table) routes.push(...this.#associate(subnet, made[place], table));
    }
    const endpoint = new aws.VpcEndpoint(
      "s3",
      {
        vpcId,
        vpcEndpointType: "Gateway",
        serviceName: `com.amazonaws.${this.#context.region}.s3`,
        routeTableIds: [...tables.values()].map(({ id }) => id),
        tags: tagsOf(this.#context, "s3"),
      },
      parent,
    );
    return [...routes, endpoint];
  }

  /** Gateways of private machines to the internet, by zone: in these zones, or in the first that has a public subnet. */
  #natGateways(
    subnets: readonly SubnetSettings[],
    made: readonly aws.Subnet[],
    zones: readonly string[] | undefined,
  ): Map<string, aws.NatGateway> {
    const gateways = new Map<string, aws.NatGateway>();
    for (const place of edgePlaces({ subnets })) {
      const { zone = "" } = subnets[place] ?? {};
      if (zones ? !zones.includes(zone) : gateways.size > 0) continue;
      const part = `nat-${zone}`;
      const tags = tagsOf(this.#context, part);
      const address = new aws.Eip(part, { domain: "vpc", tags }, { parent: this });
      const subnetId = made[place]?.id as Output<string>;
      const args = { subnetId, allocationId: address.allocationId, tags };
      gateways.set(zone, new aws.NatGateway(part, args, { parent: this }));
    }
    return gateways;
  }

  #associate({ cidr }: SubnetSettings, subnet: aws.Subnet | undefined, table: aws.RouteTable): Resource[] {
    if (!subnet) return [];
    const args = { routeTableId: table.id, subnetId: subnet.id };
    return [new aws.RouteTableAssociation(`sn-${cidr}`, args, { parent: this })];
  }

  #flowLog(name: string, logs: Logs): void {
    new aws.FlowLog(
      name,
      {
        vpcId: this.vpc.id,
        trafficType: "ALL",
        logDestinationType: "s3",
        logDestination: logs.arn,
        tags: tagsOf(this.#context, "flow-log"),
      },
      { parent: this, dependsOn: logs.policy },
    );
  }
}

/** What a subnet's `Name` has: its place among all, and whether it is public. */
function subnetPart(subnet: SubnetSettings, place: number): string {
  return `sn-${subnet.private ? "prv" : "pub"}-${place + 1}`;
}
