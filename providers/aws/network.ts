import type { ComponentResourceOptions, Output, Resource } from "@pulumi/pulumi";
import { Network, type NetworkArgs } from "../../components/network.ts";
import { type AwsContext, checkZones, tagsOf } from "./context.ts";
import { anywhere, makeFirewalls } from "./firewalls.ts";
import { InternetGateway, Route, RouteTable, RouteTableAssociation, Subnet, Vpc } from "./resources.ts";

/** A VPC whose subnets are all public: machines have addresses of their own, behind their firewall. */
export class AwsNetwork extends Network {
  readonly vpcId: Output<string>;
  /** By their place in the configuration. */
  readonly subnetIds: readonly Output<string>[];
  /** One of each zone, as many as a load balancer may have: the first. */
  readonly edgeSubnetIds: readonly Output<string>[];
  readonly edgeGroupId: Output<string>;
  readonly appGroupId: Output<string>;
  /** What must be there before a machine boots, or a load balancer is made: routes and firewall rules. */
  readonly ways: readonly Resource[];

  constructor(name: string, args: NetworkArgs, context: AwsContext, opts?: ComponentResourceOptions) {
    super(name, args, opts);
    checkZones(context, args.subnets);
    const parent = { parent: this };
    const vpc = new Vpc(
      name,
      {
        cidrBlock: args.cidr,
        enableDnsSupport: true,
        enableDnsHostnames: true,
        tags: tagsOf(context, "vpc"),
      },
      parent,
    );
    const subnets = args.subnets.map(({ cidr, zone }, index) => {
      const part = `sn-pub-${index + 1}`;
      const place = { cidrBlock: cidr, availabilityZone: zone, mapPublicIpOnLaunch: true };
      return new Subnet(part, { vpcId: vpc.id, ...place, tags: tagsOf(context, part) }, parent);
    });
    const firewalls = makeFirewalls(args, vpc.id, context, parent);
    this.vpcId = vpc.id;
    this.subnetIds = subnets.map(({ id }) => id);
    this.edgeSubnetIds = firstOfEachZone(args).flatMap((index) => this.subnetIds[index] ?? []);
    this.edgeGroupId = firewalls.edge.id;
    this.appGroupId = firewalls.app.id;
    this.ways = [...this.#routes(vpc, subnets, context), ...firewalls.rules];
    this.registerOutputs({ vpcId: this.vpcId });
  }

  /** The way from every subnet to the internet and back. */
  #routes(vpc: Vpc, subnets: readonly Subnet[], context: AwsContext): Resource[] {
    const parent = { parent: this };
    const gateway = new InternetGateway("igw", { vpcId: vpc.id, tags: tagsOf(context, "igw") }, parent);
    const table = new RouteTable("rt", { vpcId: vpc.id, tags: tagsOf(context, "rt") }, parent);
    const internet = { destinationCidrBlock: anywhere, gatewayId: gateway.id };
    return [
      new Route("internet", { routeTableId: table.id, ...internet }, parent),
      ...subnets.map(
        (subnet, index) =>
          new RouteTableAssociation(
            `sn-pub-${index + 1}`,
            { routeTableId: table.id, subnetId: subnet.id },
            parent,
          ),
      ),
    ];
  }
}

function firstOfEachZone({ subnets }: NetworkArgs): number[] {
  const zones = subnets.map(({ zone }) => zone);
  return [...zones.keys()].filter((index) => zones.indexOf(zones[index]) === index);
}
