import type { CustomResourceOptions, Input, Resource } from "@pulumi/pulumi";
import type { NetworkArgs } from "../../components/network.ts";
import { httpsPort, type NameRole } from "./config.ts";
import { type AwsContext, nameOf, replacementOf, tagsOf } from "./context.ts";
import { SecurityGroup, SecurityGroupEgressRule, SecurityGroupIngressRule } from "./resources.ts";

/** Everybody, in IPv4. */
export const anywhere = "0.0.0.0/0";

/** What machines reach outside: S3, Systems Manager and package mirrors. Time, names and metadata pass any firewall. */
const outgoingPorts = [80, 443];

export interface Firewalls {
  /** In front of the load balancer. */
  readonly edge: SecurityGroup;
  /** In front of the machines. */
  readonly app: SecurityGroup;
  /** Without them machines reach nothing, and nobody reaches them. */
  readonly rules: readonly Resource[];
}

/**
 * Both firewalls, one resource per rule: what the configuration opens, and no more. The load balancer reaches the app's
 * port of the machines alone; machines reach the world by HTTP and HTTPS.
 */
export function makeFirewalls(
  args: NetworkArgs,
  vpcId: Input<string>,
  context: AwsContext,
  opts: CustomResourceOptions,
): Firewalls {
  const group = (name: string, role: NameRole, description: string) => {
    const given = nameOf(context, role);
    return new SecurityGroup(
      name,
      { vpcId, description, ...(given && { name: given }), tags: tagsOf(context, `${name}-sg`) },
      { ...opts, ...replacementOf(context, role) },
    );
  };
  const edge = group("edge", "edgeSecurityGroup", "The load balancer");
  const app = group("app", "appSecurityGroup", "The machines");
  const tags = tagsOf(context);
  const tcp = (port: number) => ({ ipProtocol: "tcp", fromPort: port, toPort: port, tags });

  const allow = (name: string, securityGroup: SecurityGroup, port: number, cidrs: readonly string[]) =>
    cidrs.map(
      (cidrIpv4) =>
        new SecurityGroupIngressRule(
          `${name}-${port}-from-${cidrIpv4}`,
          { securityGroupId: securityGroup.id, ...tcp(port), cidrIpv4 },
          opts,
        ),
    );
  const edgePorts = args.edge.certificate === undefined ? [args.edge.port] : [args.edge.port, httpsPort];
  const access = Map.groupBy(args.access, ({ port }) => port);
  return {
    edge,
    app,
    rules: [
      ...edgePorts.flatMap((port) => allow("edge", edge, port, unique(args.edge.allow))),
      new SecurityGroupEgressRule(
        `edge-${args.app.port}-to-app`,
        { securityGroupId: edge.id, ...tcp(args.app.port), referencedSecurityGroupId: app.id },
        opts,
      ),
      new SecurityGroupIngressRule(
        `app-${args.app.port}-from-edge`,
        { securityGroupId: app.id, ...tcp(args.app.port), referencedSecurityGroupId: edge.id },
        opts,
      ),
      ...[...access].flatMap(([port, same]) =>
        allow("app", app, port, unique(same.flatMap(({ from }) => from))),
      ),
      ...outgoingPorts.map(
        (port) =>
          new SecurityGroupEgressRule(
            `app-${port}-to-${anywhere}`,
            { securityGroupId: app.id, ...tcp(port), cidrIpv4: anywhere },
            opts,
          ),
      ),
    ],
  };
}

function unique(cidrs: readonly string[]): readonly string[] {
  return [...new Set(cidrs)];
}
