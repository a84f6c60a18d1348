import { didYouMean } from "../../config/read.ts";
import type { Draft, Report, Settings } from "../../config/settings.ts";
import { markKeys } from "../../service/compute/openstack/look.ts";

interface NameRule {
  readonly pattern: RegExp;
  /** What it may be, to follow "it must be". */
  readonly expected: string;
}

/** Neutron, Octavia and Keystone take any text of up to 255 characters; no line ends, for who reads lists of them. */
const anyName: NameRule = { pattern: /^\P{Cc}{1,255}$/u, expected: "one line of 1 to 255 characters" };

/** What may have an exact name (`switchyard:names`), by role, and OpenStack's limits for it. */
const nameRules = {
  appSecurityGroup: securityGroupName(),
  // What the app itself takes for a bucket (service/storage/settings.ts).
  bucket: {
    pattern: /^[A-Za-z0-9][\w.-]{0,221}$/,
    expected: "1 to 222 letters, digits, `.`, `_` or `-`, a letter or digit first",
  },
  edgeSecurityGroup: securityGroupName(),
  loadBalancer: anyName,
  machineCredential: anyName,
} as const satisfies Record<string, NameRule>;

export type NameRole = keyof typeof nameRules;

/** `default` is the project's own group (Networking API v2.0, "Security groups"). */
function securityGroupName(): NameRule {
  return { pattern: /^(?!default$)\P{Cc}{1,255}$/iu, expected: `${anyName.expected}, and not default` };
}

/** Nova's limits of metadata (Compute API, "Create or Update Metadata Items"). */
const metadataKey = /^[\w\-:. ]{1,255}$/;
const mostTags = 60;

/** Metadata that the program sets itself. */
const ownTags: ReadonlySet<string> = new Set([
  ...["project_name", "cluster", "release", "revision"],
  ...Object.values(markKeys),
]);

/** A bucket of S3's has a name of its service, not of its project (Amazon S3 user guide, "Bucket naming rules"). */
const s3BucketName: NameRule = {
  pattern: /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
  expected: "3 to 63 lower-case letters, digits or `-`, none of these at an end",
};

function ruleOf(role: NameRole, s3: boolean): NameRule {
  return role === "bucket" && s3 ? s3BucketName : nameRules[role];
}

/** Refuses exact names that OpenStack does not take, and roles that there are not. */
export function checkNames({ names = {}, openstack }: Draft<Settings>, report: Report): void {
  for (const [role, name = ""] of Object.entries(names)) {
    const rule: NameRule | undefined = Object.hasOwn(nameRules, role)
      ? ruleOf(role as NameRole, openstack?.store === "s3")
      : undefined;
    if (!rule)
      report(`names.${role}`, name, `there is no such role, ${didYouMean(role, Object.keys(nameRules))}`);
    else if (!rule.pattern.test(name)) report(`names.${role}`, name, `it must be ${rule.expected}`);
  }
}

/** Refuses tags that cannot stand in the metadata of machines, or among the tags of networks, which a comma parts. */
export function checkTags(key: string, tags: Draft<Settings["tags"]> = {}, report: Report): void {
  for (const [tag, value = ""] of Object.entries(tags)) {
    const name = `${key}[${JSON.stringify(tag)}]`;
    if (ownTags.has(tag)) report(name, value, "that tag is set by the program: choose another");
    else if (!metadataKey.test(tag))
      report(name, value, "on OpenStack a tag's name has letters, digits, spaces and _-:. only");
    else if (value.includes(",") || tag.length + 1 + value.length > 255)
      report(name, value, "on OpenStack a tag has no comma, and with its value 254 characters at most");
  }
  const count = Object.keys(tags).length;
  if (count > mostTags) report(key, `${count} tags`, `on OpenStack there may be ${mostTags} at most`);
}
