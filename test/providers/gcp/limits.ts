import { simpleType } from "../../../plan/labels.ts";
import type { PlannedResource } from "../../../plan/plan.ts";
import { replacements } from "../../../providers/gcp/replacements.ts";
import type { Claim, CloudLimits } from "../../support/edits.ts";

type Inputs = NonNullable<PlannedResource["inputs"]>;

const claims: Readonly<Record<string, (inputs: Inputs) => Claim[]>> = {
  Account: ({ accountId }) => (accountId === undefined ? [] : [{ of: "name", key: [accountId] }]),
  GlobalForwardingRule: ({ ipAddress, portRange }) => [{ of: "port", key: [ipAddress, portRange] }],
  IAMCustomRole: ({ roleId }) => [{ of: "id", key: [roleId] }],
  RegionAutoscaler: ({ target }) => [{ of: "group", key: [target] }],
  Subnetwork: ({ network, ipCidrRange }) => [{ of: "range", key: [network], range: String(ipCidrRange) }],
};

/** What Compute Engine, IAM and Cloud Storage refuse while a deployment goes on. */
export const limits: CloudLimits = {
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
};
