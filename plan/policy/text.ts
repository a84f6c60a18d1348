import { readable } from "../names.ts";
import type { Violation } from "./policy.ts";
import { rules } from "./rules.ts";

/** A violation in a sentence: resource, property, what is wrong with it, what to do. */
export function violationText({ urn, property, found, remedy }: Violation): string {
  return `${readable(urn)}: ${property} ${found}; ${remedy}`;
}

/** Violations by rule, for people. */
export function violationLines(violations: readonly Violation[]): string[] {
  const byRule = Map.groupBy(violations, ({ rule, level }) => `${rule} (${level})`);
  const lines = [...byRule].flatMap(([title, group]) => {
    const promise = group[0] ? rules[group[0].rule].promise : "";
    return [`  ${title}: ${promise}`, ...group.map((one) => `    ${violationText(one)}`)];
  });
  return ["Rules that are broken", ...lines];
}

/** Whether a deployment would be refused. */
export function isRefused(violations: readonly Violation[]): boolean {
  return violations.some(({ level }) => level === "mandatory");
}
