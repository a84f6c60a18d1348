import type { PolicyLevel, PolicyRule, Settings } from "../../config/settings.ts";
import { parseUrn } from "../../operations/urn.ts";
import type { CloudEdits } from "../compare/cloud-edits.ts";
import type { FindOpenings, InputsOfType } from "../openings.ts";
import type { PlannedResource } from "../plan.ts";
import { unlistedOpenings } from "./openings.ts";
import { rules } from "./rules.ts";

/** As much of a resource as rules look at. What is unknown is `[unknown]` or a token, what is secret `[secret]`. */
export interface PolicyResource
  extends InputsOfType,
    Pick<PlannedResource, "urn" | "propertyDependencies" | "protect" | "retainOnDelete"> {}

/** How a resource breaks a rule. */
export interface Breach {
  /** Such as `rule.objectOwnership`; `protect` is the option of that name. */
  readonly property: string;
  /** What is wrong, to follow the property: `is not set`. */
  readonly found: string;
  /** What to do. Default: the rule's. */
  readonly remedy?: string;
}

/** Looks for what breaks a rule: in each resource by itself, and in what all of them are together. */
export interface Check {
  one?(resource: PolicyResource): readonly Breach[];
  all?(resources: readonly PolicyResource[]): readonly (Breach & { readonly urn: string })[];
}

/** Rules that are the same on every cloud, by what else is known of it. */
type CommonRule = "data-protected" | "open-as-configured";

/** What the rules mean on one cloud. Each cloud's policy.ts has it. */
export interface CloudPolicy {
  /** Why there is nothing to look for, where there is not. */
  readonly checks: Readonly<Record<Exclude<PolicyRule, CommonRule>, Check | string>>;
  /** What the program itself makes that breaks a rule, and why. */
  readonly exceptions: readonly {
    readonly rule: PolicyRule;
    /** Of its URN. */
    readonly urn: RegExp;
    readonly reason: string;
  }[];
}

/** As much of a cloud's folder as its rules need. */
export interface GovernedCloud {
  policy(): Promise<CloudPolicy>;
  openings(): Promise<FindOpenings>;
  edits(): Promise<Pick<CloudEdits, "data">>;
}

/** What breaks a rule that is not disabled. */
export interface Violation extends Required<Breach> {
  readonly rule: PolicyRule;
  readonly level: Exclude<PolicyLevel, "disabled">;
  readonly urn: string;
}

/** Whether resources of one stack are as they should be. */
export interface Policy {
  /** What one resource says by itself. */
  ofOne(resource: PolicyResource, rule: PolicyRule): Violation[];
  /** What only all of them say. */
  ofAll(resources: readonly PolicyResource[], rule: PolicyRule): Violation[];
}

/** The rules of a stack's cloud, at the levels of its configuration. */
export async function openPolicy(
  cloud: GovernedCloud,
  settings: Pick<Settings, "access" | "controller" | "loadBalancer" | "policy">,
): Promise<Policy> {
  const [{ checks, exceptions }, openingsOf, { data }] = await Promise.all([
    cloud.policy(),
    cloud.openings(),
    cloud.edits(),
  ]);
  const all: Readonly<Record<PolicyRule, Check | string>> = {
    ...checks,
    "data-protected": { one: (resource) => unprotected(resource, data) },
    "open-as-configured": {
      one: (resource) => unlistedOpenings(openingsOf(resource), settings),
    },
  };
  const checkOf = (rule: PolicyRule): Check => {
    const check = all[rule];
    return typeof check === "string" ? {} : check;
  };
  const violations = (rule: PolicyRule, breaches: readonly (Breach & { readonly urn: string })[]) =>
    breaches.flatMap((breach): Violation[] => {
      const level = levelOf(rule, breach.urn, settings.policy);
      const isExcepted = exceptions.some((one) => one.rule === rule && one.urn.test(breach.urn));
      if (level === "disabled" || isExcepted) return [];
      return [{ rule, level, remedy: rules[rule].remedy, ...breach }];
    });
  return {
    ofOne: (resource, rule) => {
      const breaches = checkOf(rule).one?.(resource) ?? [];
      return violations(
        rule,
        breaches.map((breach) => ({ urn: resource.urn, ...breach })),
      );
    },
    ofAll: (resources, rule) => violations(rule, checkOf(rule).all?.(resources) ?? []),
  };
}

function levelOf(rule: PolicyRule, urn: string, settings: Settings["policy"]): PolicyLevel {
  const { name } = parseUrn(urn);
  const own = settings.filter((one) => one.rule === rule);
  const found =
    own.find(({ resource }) => resource === name) ?? own.find(({ resource }) => resource === undefined);
  return found?.level ?? rules[rule].level;
}

function unprotected(
  { type, inputs = {}, protect, retainOnDelete }: PolicyResource,
  data: CloudEdits["data"],
): Breach[] {
  const emptied = data[type];
  if (emptied === undefined) return [];
  return [
    ...(protect || retainOnDelete ? [] : [{ property: "protect", found: "is not set" }]),
    ...(inputs[emptied] === true && !retainOnDelete
      ? [{ property: emptied, found: "is true: deleting it deletes what is in it" }]
      : []),
  ];
}

/** All that breaks a rule in a plan, in the order of the rules. */
export function violationsOf(policy: Policy, resources: readonly PolicyResource[]): Violation[] {
  return (Object.keys(rules) as PolicyRule[]).flatMap((rule) => [
    ...resources.flatMap((resource) => policy.ofOne(resource, rule)),
    ...policy.ofAll(resources, rule),
  ]);
}
