import type { CustomResourceOptions, Input, Output, Resource } from "@pulumi/pulumi";
import type { LoadBalancerArgs } from "../../components/load-balancer.ts";
import type { NetworkArgs } from "../../components/network.ts";
import { httpsPort } from "../../config/https.ts";
import { type AwsContext, nameOf, tagsOf } from "./context.ts";
import type { NameRole } from "./names.ts";
import type { AwsNetwork } from "./network.ts";
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

/** A TCP port of a rule. */
const tcp = (port: number) => ({ ipProtocol: "tcp", fromPort: port, toPort: port });

/**
 * Both firewalls, one resource per rule: what the configuration opens, and no more. The load balancer reaches the app's
 * port of the machines alone, and is reached as it says itself (`allowClients`); machines reach the world by HTTP and
 * HTTPS.
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
  const access = Map.groupBy(args.access, (rule) => rule.port);
  return {
    edge,
    app,
    rules: [
      ...connect("edge", edge.id, app.id, args.app.port, context, opts),
      ...[...access].flatMap(([port, same]) => {
        const ranges = same.flatMap(({ from }) => from);
        return allow("app", app.id, port, ranges, "As switchyard:access says", context, opts);
      }),
      ...outgoingPorts.map(
        (port) =>
          new SecurityGroupEgressRule(
            `app-${port}-to-${anywhere}`,
            { securityGroupId: app.id, description: outgoing, ...tcp(port), cidrIpv4: anywhere, tags },
            opts,
          ),
      ),
    ],
  };
}

/** Lets a load balancer reach the app's port of the machines. */
function connect(
  name: string,
  edgeId: Input<string>,
  appId: Input<string>,
  port: number,
  context: AwsContext,
  opts: CustomResourceOptions,
): Resource[] {
  const tags = tagsOf(context);
  // AWS would change it at once, and nothing would pass until load balancer and machines are in the new group, too.
  const between = { ...opts, replaceOnChanges: ["referencedSecurityGroupId"] };
  const toApp = { description: "The app, and its health check", referencedSecurityGroupId: appId };
  const fromEdge = { description: "The load balancer", referencedSecurityGroupId: edgeId };
  return [
    new SecurityGroupEgressRule(
      `${name}-${port}-to-app`,
      { securityGroupId: edgeId, ...toApp, ...tcp(port), tags },
      between,
    ),
    new SecurityGroupIngressRule(
      `app-${port}-from-${name}`,
      { securityGroupId: appId, ...fromEdge, ...tcp(port), tags },
      between,
    ),
  ];
}

/** What is in front of a load balancer. */
export interface EdgeFirewall {
  readonly groupId: Output<string>;
  /** Without them it reaches nothing. */
  readonly rules: readonly Resource[];
}

/** The firewall of a further load balancer, for its own clients. */
export function makeEdgeFirewall(
  name: string,
  { vpc, appGroupId, appPort }: AwsNetwork,
  context: AwsContext,
  opts: CustomResourceOptions,
): EdgeFirewall {
  const description = "The controller's load balancer";
  const tags = tagsOf(context, `${name}-sg`);
  const { id: groupId } = new SecurityGroup(name, { vpcId: vpc.id, description, tags }, opts);
  return { groupId, rules: connect(name, groupId, appGroupId, appPort, context, opts) };
}

/** Lets a load balancer's clients in to the ports that it listens on. */
export function allowClients(
  name: string,
  groupId: Input<string>,
  { port, certificate, allow: ranges }: Pick<LoadBalancerArgs, "port" | "certificate" | "allow">,
  context: AwsContext,
  opts: CustomResourceOptions,
): void {
  for (const each of certificate === undefined ? [port] : [port, httpsPort]) {
    allow(name, groupId, each, ranges, "Clients of the load balancer", context, opts);
  }
}

function allow(
  name: string,
  securityGroupId: Input<string>,
  port: number,
  ranges: readonly string[],
  description: string,
  context: AwsContext,
  opts: CustomResourceOptions,
): Resource[] {
  return [...new Set(ranges)].map((cidrIpv4) => {
    const args = { securityGroupId, description, ...tcp(port), cidrIpv4, tags: tagsOf(context) };
    return new SecurityGroupIngressRule(`${name}-${port}-from-${cidrIpv4}`, args, opts);
  });
}
