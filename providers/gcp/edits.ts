import type { Claim, CloudEdits } from "../../plan/compare/cloud-edits.ts";
import { simpleType } from "../../plan/labels.ts";
import type { InputsOfType } from "../../plan/openings.ts";
import type { PlannedResource } from "../../plan/plan.ts";
import { layout } from "./layout.ts";
import { replacements } from "./replacements.ts";

type Inputs = NonNullable<PlannedResource["inputs"]>;

const claims: Readonly<Record<string, (inputs: Inputs) => Claim[]>> = {
  Account: ({ accountId }) => (accountId === undefined ? [] : [{ of: "name", key: [accountId] }]),
  GlobalForwardingRule: ({ ipAddress, portRange }) => [{ of: "port", key: [ipAddress, portRange] }],
  IAMCustomRole: ({ roleId }) => [{ of: "id", key: [roleId] }],
  RegionAutoscaler: ({ target }) => [{ of: "group", key: [target] }],
  Subnetwork: ({ network, ipCidrRange }) => [{ of: "range", key: [network], range: String(ipCidrRange) }],
};

/** Permissions of roles, and who is given which role on what. */
function rights({ type, inputs = {} }: InputsOfType): string[] {
  const { permissions, role, member, bucket, serviceAccountId, condition } = inputs;
  if (Array.isArray(permissions)) return permissions.map(String);
  if (!type.endsWith("IAMMember") || role === undefined) return [];
  const { expression } = (condition ?? {}) as { expression?: string };
  const where = bucket ?? serviceAccountId;
  const on = where === undefined ? "" : ` on ${where}`;
  return [`${role} for ${member}${on}${expression === undefined ? "" : ` if ${expression}`}`];
}

/** What Compute Engine, IAM and Cloud Storage make of edits, and refuse while a deployment goes on. */
export const edits: CloudEdits = {
  replacements,
  claims({ type, inputs = {} }) {
    const kind = simpleType(type);
    const own = claims[kind]?.(inputs) ?? [];
    const named: Claim[] = inputs.name === undefined ? [] : [{ of: "name", key: [inputs.name] }];
    return [...own, ...named].map((claim) => ({ ...claim, key: [kind, ...claim.key] }));
  },
  // A group in other zones has another template, too: its machines' revision has the zones.
  rolls: ({ op, after }) => op === "replace" && simpleType(after?.type ?? "") === "InstanceTemplate",
  immovable: [],
  refuses({ op, before, after }) {
    const loses = before?.inputs?.sslCertificates && !after?.inputs?.sslCertificates;
    // The provider takes them away before it gives the map.
    return op === "update" && loses ? "cannot go without certificates, not even for a map" : undefined;
  },
  data: { "gcp:storage/bucket:Bucket": "forceDestroy" },
  rights,
  checks: { "switchyard:gcp:Layout": layout },
  newCluster:
    "its path, and its share of requests, are answered 503 until its machines are healthy: give it the weight 0 first, then its weight",
  otherPath: "the path leads to it at once, and its machines answer it 404 until they are replaced",
};
