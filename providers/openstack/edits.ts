import type { Change } from "../../plan/changes.ts";
import type { Claim, CloudEdits } from "../../plan/compare/cloud-edits.ts";
import { simpleType } from "../../plan/labels.ts";
import type { InputsOfType } from "../../plan/openings.ts";
import type { PlannedResource } from "../../plan/plan.ts";
import { layout } from "./layout.ts";
import { replacements } from "./replacements.ts";

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

/** Roles and access rules of application credentials; who may read or write a container. */
function rights({ inputs = {} }: InputsOfType): string[] {
  const { roles, accessRules, unrestricted, containerRead, containerWrite } = inputs;
  const rules = Array.isArray(accessRules) ? accessRules : [];
  return [
    ...(Array.isArray(roles) ? roles.map((role) => `the role ${role}`) : []),
    ...rules.map(({ service, method, path }) => `${method} ${path} of ${service}`),
    ...(Array.isArray(roles) && rules.length === 0 ? ["whatever these roles may, without access rules"] : []),
    ...(unrestricted === true ? ["make further credentials"] : []),
    ...(typeof containerRead === "string" ? [`read: ${containerRead}`] : []),
    ...(typeof containerWrite === "string" ? [`write: ${containerWrite}`] : []),
  ];
}

/** What Nova, Neutron, Octavia, Keystone and Swift make of edits, and refuse while a deployment goes on. */
export const edits: CloudEdits = {
  replacements,
  claims({ type, inputs = {} }) {
    const kind = simpleType(type);
    return (claims[kind]?.(inputs) ?? []).map((claim) => ({ ...claim, key: [kind, ...claim.key] }));
  },
  rolls: () => false,
  rolledBy,
  immovable: [],
  data: { "openstack:objectstorage/container:Container": "forceDestroy" },
  rights,
  checks: { "switchyard:openstack:Layout": layout },
  rolling: "others come first, and the old ones go at the end",
  newCluster:
    "its path is answered 503 until its machines are healthy; what matches no path goes to the others meanwhile",
  otherPath: "both paths are answered 404 by some machines until the old ones are gone",
};
