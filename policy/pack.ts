import {
  type PolicyResource as PackResource,
  PolicyPack,
  type ResourceValidationArgs,
  UnknownValueError,
} from "@pulumi/policy";
import { type PolicyRule, policyRules } from "../config/settings.ts";
import type { PolicyResource, Violation } from "../plan/policy/policy.ts";
import { rules } from "../plan/policy/rules.ts";
import { policyOf, type StackPolicy } from "../plan/policy/run.ts";
import { violationText } from "../plan/policy/text.ts";
import { unknownText } from "../plan/values.ts";
import { clouds } from "../providers/index.ts";

/** The stack's configuration, as the engine hands it to packs. */
const { PULUMI_CONFIG = "{}", PULUMI_PROJECT = "", PULUMI_STACK = "" } = process.env;
const where = { project: PULUMI_PROJECT, stack: PULUMI_STACK };
let opened: Promise<StackPolicy> | undefined;

/** The rules of the stack, once they are needed: `pulumi policy` asks what there are without a stack. */
function stackPolicy(): Promise<StackPolicy> {
  opened ??= policyOf(JSON.parse(PULUMI_CONFIG), where, clouds);
  return opened;
}

/** A value without what makes unknown parts of it throw: they are `[unknown]`. */
function known(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const record = value as Readonly<Record<string, unknown>>;
  const part = (key: string): unknown => {
    try {
      return known(record[key]);
    } catch (error) {
      if (error instanceof UnknownValueError) return unknownText;
      throw error;
    }
  };
  if (Array.isArray(value)) return Array.from(value.keys(), (index) => part(String(index)));
  return Object.fromEntries(Object.keys(record).map((key) => [key, part(key)]));
}

const resourceOf = ({ urn, type, props, opts }: ResourceValidationArgs | PackResource): PolicyResource => ({
  urn,
  type,
  inputs: known(props) as Record<string, unknown>,
  ...(opts.protect && { protect: true as const }),
});

const memberOf = (resource: PackResource): PolicyResource => ({
  ...resourceOf(resource),
  propertyDependencies: Object.fromEntries(
    Object.entries(resource.propertyDependencies).map(([name, others]) => [
      name,
      others.map(({ urn }) => urn),
    ]),
  ),
});

type Report = (message: string, urn?: string) => void;

/** Each rule is two policies, one of each level: which one a violation is of, the configuration says. */
function policies(rule: PolicyRule) {
  const levels = [
    ["mandatory", rule],
    ["advisory", `${rule}-advisory`],
  ] as const;
  return levels.flatMap(([enforcementLevel, name]) => {
    const tell = (violations: readonly Violation[], report: Report) => {
      for (const one of violations.filter(({ level }) => level === enforcementLevel))
        report(violationText(one), one.urn);
    };
    const shared = { description: rules[rule].promise, enforcementLevel };
    return [
      {
        ...shared,
        name,
        validateResource: async (args: ResourceValidationArgs, report: Report) =>
          tell((await stackPolicy()).ofOne(resourceOf(args), rule), report),
      },
      {
        ...shared,
        name: `${name}-stack`,
        validateStack: async ({ resources }: { resources: PackResource[] }, report: Report) =>
          tell((await stackPolicy()).ofAll(resources.map(memberOf), rule), report),
      },
    ];
  });
}

new PolicyPack("switchyard", { policies: policyRules.flatMap(policies) });
