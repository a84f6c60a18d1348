import type { CustomResourceOptions, Input, Resource } from "@pulumi/pulumi";
import type { NetworkArgs } from "../../components/network.ts";
import { httpsPort } from "./config.ts";
import { type AwsContext, nameOf, tagsOf } from "./context.ts";
import type { NameRole } from "./names.ts";
import { SecurityGroup, SecurityGroupEgressRule, SecurityGroupIngressRule } from "./resources.ts";

/** Everybody, in IPv4. */
export const anywhere = "0.0.0.0/0";

/** What machines reach outside: S3, Systems Manager and package mirrors. Time, names and metadata pass any firewall. */
const outgoingPorts = [80, 443];
const outgoing = "The bucket, Systems Manager, package mirrors";

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
      opts,
    );
  };
  const edge = group("edge", "edgeSecurityGroup", "The load balancer");
  const app = group("app", "appSecurityGroup", "The machines");
  const tags = tagsOf(context);
  const tcp = (port: number) => ({ ipProtocol: "tcp", fromPort: port, toPort: port, tags });
  // AWS would change it at once, and nothing would pass until load balancer and machines are in the new group, too.
  const between = { ...opts, replaceOnChanges: ["referencedSecurityGroupId"] };

  const allow = (name: string, securityGroup: SecurityGroup, port: number, cidrs: readonly string[]) =>
    cidrs.map(
      (cidrIpv4) =>
        new SecurityGroupIngressRule(
          `${name}-${port}-from-${cidrIpv4}`,
          {
            securityGroupId: securityGroup.id,
            description:
              securityGroup === edge ? "Clients of the load balancer" : "As switchyard:access says",
            ...tcp(port),
            cidrIpv4,
          },
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
        {
          securityGroupId: edge.id,
          description: "The app, and its health check",
          ...tcp(args.app.port),
          referencedSecurityGroupId: app.id,
        },
        between,
      ),
      new SecurityGroupIngressRule(
        `app-${args.app.port}-from-edge`,
        {
          securityGroupId: app.id,
          description: "The load balancer",
          ...tcp(args.app.port),
          referencedSecurityGroupId: edge.id,
        },
        between,
      ),
      ...[...access].flatMap(([port, same]) =>
        allow("app", app, port, unique(same.flatMap(({ from }) => from))),
      ),
      ...outgoingPorts.map(
        (port) =>
          new SecurityGroupEgressRule(
            `app-${port}-to-${anywhere}`,
            { securityGroupId: app.id, description: outgoing, ...tcp(port), cidrIpv4: anywhere },
            opts,
          ),
      ),
    ],
  };
}

function unique(cidrs: readonly string[]): readonly string[] {
  return [...new Set(cidrs)];
}
