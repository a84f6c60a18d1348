import type { Change } from "../../../plan/changes.ts";
import { simpleType } from "../../../plan/labels.ts";
import type { PlannedResource } from "../../../plan/plan.ts";
import { replacements } from "../../../providers/openstack/replacements.ts";
import type { Claim, CloudLimits } from "../../support/edits.ts";

type Inputs = NonNullable<PlannedResource["inputs"]>;

const named = ({ name }: Inputs): Claim[] => (name === undefined ? [] : [{ of: "name", key: [name] }]);

const claims: Readonly<Record<string, (inputs: Inputs) => Claim[]>> = {
  ApplicationCredential: named,
  Container: named,
  Flavor: named,
  Instance: ({ networks }) => [{ of: "port", key: [networks] }],
  Listener: ({ loadbalancerId, protocolPort }) => [{ of: "port", key: [loadbalancerId, protocolPort] }],
  Monitor: ({ poolId }) => [{ of: "pool", key: [poolId] }],
  RouterInterface: ({ subnetId }) => [{ of: "subnet", key: [subnetId] }],
  SecGroupRule: ({ securityGroupId, direction, portRangeMin, portRangeMax, protocol, remoteIpPrefix }) => [
    { of: "rule", key: [securityGroupId, direction, protocol, portRangeMin, portRangeMax, remoteIpPrefix] },
  ],
  Subnet: ({ networkId, cidr }) => [{ of: "range", key: [networkId], range: String(cidr) }],
};

const clusterOf = (machine: PlannedResource | undefined) =>
  String((machine?.inputs?.metadata as { cluster?: string } | undefined)?.cluster);

/** Clusters of which some machines come, and others go. */
function rolledBy(changes: readonly Change[]): string[] {
  const machines = changes.filter(({ urn }) => urn.includes("openstack:compute/instance:Instance::"));
  const coming = machines.flatMap(({ op, after }) => (op === "create" ? [clusterOf(after)] : []));
  const going = machines.flatMap(({ op, before }) => (op === "delete" ? [clusterOf(before)] : []));
  const replaced = machines.flatMap(({ op, after }) => (op === "replace" ? [clusterOf(after)] : []));
  return [...new Set([...coming.filter((cluster) => going.includes(cluster)), ...replaced])].sort();
}

/** What Nova, Neutron, Octavia, Keystone and Swift refuse while a deployment goes on. */
export const limits: CloudLimits = {
  replacements,
  claims({ type, inputs = {} }) {
    const kind = simpleType(type);
    return (claims[kind]?.(inputs) ?? []).map((claim) => ({ ...claim, key: [kind, ...claim.key] }));
  },
  rolls: () => false,
  rolledBy,
  immovable: [],
};
