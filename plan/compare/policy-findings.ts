import { type PolicySetting, policyLevels } from "../../config/settings.ts";
import { parseUrn } from "../../operations/urn.ts";
import { ofCloud, type Plan } from "../plan.ts";
import type { Violation } from "../policy/policy.ts";
import { rules } from "../policy/rules.ts";
import { type GovernedClouds, judge, policyOf, type StackPolicy } from "../policy/run.ts";
import { violationText } from "../policy/text.ts";
import type { Finding } from "./comparison.ts";

/** Rules that an edit breaks, and those that it makes milder. */
export async function policyFindings(before: Plan, after: Plan, clouds: GovernedClouds): Promise<Finding[]> {
  if (!ofCloud(after, clouds)) return [];
  const policy = await policyOf(after.config, whereOf(after), clouds);
  const old = await policyBefore(before, policy, clouds);
  const known = new Set(judge(before, old).map(keyOf));
  const broken = judge(after, policy).filter((violation) => !known.has(keyOf(violation)));
  return [
    ...broken.map(
      (violation): Finding => ({
        severity: violation.level === "mandatory" ? "danger" : "caution",
        topic: "policy",
        text: `it breaks the rule ${violation.rule} (${violation.level}): ${violationText(violation)}`,
        urns: [violation.urn],
      }),
    ),
    ...milder(old.settings.policy, policy.settings.policy).map(
      ({ rule, level, resource, reason }): Finding => ({
        severity: "caution",
        topic: "policy",
        text: `the rule ${rule} is ${level}${resource === undefined ? "" : ` for ${resource}`}: ${reason}`,
        urns: [],
      }),
    ),
  ];
}

/** The rules of what is deployed; where an older configuration has keys that there are no more, those of the new one. */
async function policyBefore(before: Plan, now: StackPolicy, clouds: GovernedClouds): Promise<StackPolicy> {
  if (before.steps.length === 0) return now;
  try {
    return await policyOf(before.config, whereOf(before), clouds);
  } catch (error) {
    if ((error as Error).name !== "ConfigError") throw error;
    return now;
  }
}

function whereOf({ steps }: Plan): { readonly project: string; readonly stack: string } {
  const urn = steps[0]?.urn ?? "";
  return { project: urn.split("::")[1] ?? "", stack: parseUrn(urn).stack };
}

function keyOf({ rule, urn, property, found, level }: Violation): string {
  return JSON.stringify([rule, urn, property, found, level]);
}

/** Settings that are milder than what was before for the same. */
function milder(old: readonly PolicySetting[], now: readonly PolicySetting[]): PolicySetting[] {
  const mildness = ({ level }: Pick<PolicySetting, "level">) => policyLevels.indexOf(level);
  return now.filter((one) => {
    const was =
      old.find(({ rule, resource }) => rule === one.rule && resource === one.resource) ?? rules[one.rule];
    return mildness(one) > mildness(was);
  });
}
