import type { CustomResourceOptions, Output, Resource } from "@pulumi/pulumi";
import type { NetworkArgs } from "../../components/network.ts";
import { nameOf, type OpenstackContext, tagsOf } from "./context.ts";
import { SecGroup, SecGroupRule } from "./resources.ts";

/** The two security groups, of load balancers and of machines. */
export interface Firewalls {
  readonly edge: SecGroup;
  readonly app: SecGroup;
  /** Rules of both. */
  readonly rules: readonly Resource[];
}

/**
 * Groups without the rules that Neutron begins with: whoever is in them answers nobody but by a rule. Machines are asked
 * at the app's port from the network's own range, where Octavia's machines have addresses and no group of ours.
 */
export function makeFirewalls(
  args: NetworkArgs,
  context: OpenstackContext,
  opts: CustomResourceOptions,
): Firewalls {
  const group = (name: string, role: "appSecurityGroup" | "edgeSecurityGroup", description: string) => {
    const given = nameOf(context, role);
    const settings = { ...(given && { name: given }), description, tags: tagsOf(context) };
    return new SecGroup(name, { ...settings, deleteDefaultRules: true }, opts);
  };
  const edge = group("edge", "edgeSecurityGroup", "Load balancers");
  const app = group("app", "appSecurityGroup", "Machines");
  const opened = new Map([[`${args.app.port} from ${args.cidr}`, { port: args.app.port, from: args.cidr }]]);
  for (const { port, from } of args.access) {
    for (const range of from) opened.set(`${port} from ${range}`, { port, from: range });
  }
  const rules = [
    letOut("edge", edge.id, opts),
    letOut("app", app.id, opts),
    ...[...opened.values()].map(({ port, from }) => letIn("app", app.id, port, from, opts)),
  ];
  return { edge, app, rules };
}

/** A group of a load balancer's own, for clients of its own. */
export function makeFirewall(
  name: string,
  context: OpenstackContext,
  opts: CustomResourceOptions,
): { readonly id: Output<string>; readonly rules: readonly Resource[] } {
  const settings = { description: `Load balancer of the ${name}`, tags: tagsOf(context) };
  const { id } = new SecGroup(name, { ...settings, deleteDefaultRules: true }, opts);
  return { id, rules: [letOut(name, id, opts)] };
}

/** Opens a port of a group; named by all of what it opens, because Neutron takes no rule twice. */
export function letIn(
  group: string,
  securityGroupId: Output<string>,
  port: number,
  from: string,
  opts: CustomResourceOptions,
): SecGroupRule {
  const ports = { portRangeMin: port, portRangeMax: port };
  const source = { protocol: "tcp", ...ports, remoteIpPrefix: from };
  return new SecGroupRule(
    `${group}-${port}-from-${from}`,
    { securityGroupId, direction: "ingress", ethertype: "IPv4", ...source },
    opts,
  );
}

function letOut(group: string, securityGroupId: Output<string>, opts: CustomResourceOptions): SecGroupRule {
  return new SecGroupRule(`${group}-out`, { securityGroupId, direction: "egress", ethertype: "IPv4" }, opts);
}
