import { didYouMean } from "../../config/read.ts";
import type { Draft, Report, Settings } from "../../config/settings.ts";

interface NameRule {
  readonly pattern: RegExp;
  /** What it may be, to follow "it must be". */
  readonly expected: string;
}

/** Names of Compute Engine's (RFC 1035). */
const computeName: NameRule = {
  pattern: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  expected: "1 to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last",
};

/** What may have an exact name (`switchyard:names`), by role, and Google's limits for it. */
const nameRules = {
  bucket: {
    // Google takes dots, too, but only of domains that one has; reserved: https://cloud.google.com/storage/docs/buckets#naming
    pattern: /^(?!goog)(?!.*g[o0][o0]gle)[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$/,
    expected:
      "3 to 63 lower-case letters, digits, hyphens and underscores, a letter or digit first and last, not beginning with goog and without google in it",
  },
  loadBalancer: computeName,
  machineAccount: {
    pattern: /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
    expected: "6 to 30 lower-case letters, digits and hyphens, a letter first and no hyphen last",
  },
} as const satisfies Record<string, NameRule>;

/** The firewall rule of a port that `switchyard:access` opens. */
type AccessRole = `access-${number}`;
export type NameRole = keyof typeof nameRules | AccessRole;

function ruleOf(role: string, ports: readonly number[]): NameRule | undefined {
  if (ports.some((port) => role === `access-${port}`)) return computeName;
  return Object.hasOwn(nameRules, role) ? nameRules[role as keyof typeof nameRules] : undefined;
}

/** Refuses exact names that Google does not take, roles that there are not, and one name for two firewall rules. */
export function checkNames({ names = {}, access = [] }: Draft<Settings>, report: Report): void {
  const ports = [...new Set(access.flatMap(({ port }) => port ?? []))];
  const roles = [...Object.keys(nameRules), ...ports.map((port) => `access-${port}`)];
  const rules = new Map<string, string>();
  for (const [role, name = ""] of Object.entries(names)) {
    const rule = ruleOf(role, ports);
    const twin = rules.get(name);
    if (!rule) report(`names.${role}`, name, `there is no such role, ${didYouMean(role, roles)}`);
    else if (!rule.pattern.test(name)) report(`names.${role}`, name, `it must be ${rule.expected}`);
    else if (role.startsWith("access-") && twin)
      report(`names.${role}`, name, `names.${twin} is the same; each rule needs a name of its own`);
    if (role.startsWith("access-")) rules.set(name, role);
  }
}
