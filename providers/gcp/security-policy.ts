import { rangesOfRule } from "./config.ts";
import { anywhere } from "./ranges.ts";

/** The priority of the rule for whoever no other rule is for; without one of ours, Google adds one that allows. */
const lastPriority = 2_147_483_647;

function rule(action: string, priority: number, description: string, srcIpRanges: string[]) {
  return { action, priority, description, match: { versionedExpr: "SRC_IPS_V1", config: { srcIpRanges } } };
}

/**
 * Rules of Cloud Armor's that let these ranges in, and nobody else, who is answered 403.
 * @returns undefined when everybody is among them
 */
export function securityPolicyRules(allow: readonly string[]) {
  if (allow.includes(anywhere)) return undefined;
  const ranges = [...new Set(allow)].sort();
  const groups = Array.from({ length: Math.ceil(ranges.length / rangesOfRule) }, (_, place) =>
    ranges.slice(place * rangesOfRule, (place + 1) * rangesOfRule),
  );
  return [
    ...groups.map((group, place) => rule("allow", place + 1, "Clients of the load balancer", group)),
    rule("deny(403)", lastPriority, "Nobody else", ["*"]),
  ];
}
