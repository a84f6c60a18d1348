import { didYouMean } from "../../config/read.ts";
import type { Draft, Report, Settings } from "../../config/settings.ts";

interface NameRule {
  readonly pattern: RegExp;
  /** What it may be, to follow "it must be". */
  readonly expected: string;
}

/** What may have an exact name (`switchyard:names`), by role, and AWS's limits for it. */
const nameRules = {
  edgeSecurityGroup: securityGroupName(),
  appSecurityGroup: securityGroupName(),
  machineRole: { pattern: /^[\w+=,.@-]{1,64}$/, expected: "1 to 64 letters, digits and +=,.@_-" },
  bucket: {
    // AWS takes dots, too, but its own certificates do not. Reserved beginnings and ends:
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    pattern:
      /^(?!xn--|sthree-|amzn-s3-demo-)(?!.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3|-an)$)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
    expected:
      "3 to 63 lower-case letters, digits and hyphens, no hyphen first or last, and none of AWS's reserved beginnings and ends (xn--, sthree-, amzn-s3-demo-; -s3alias, --ol-s3, --x-s3, --table-s3, -an)",
  },
  // https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
  billingTopic: { pattern: /^[\w-]{1,256}$/, expected: "1 to 256 letters, digits, hyphens and underscores" },
  loadBalancer: {
    pattern: /^(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/,
    expected: "1 to 32 letters, digits and hyphens, no hyphen first or last, not beginning with internal-",
  },
} as const satisfies Record<string, NameRule>;

export type NameRole = keyof typeof nameRules;

/** `default` is the VPC's own group (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html). */
function securityGroupName(): NameRule {
  return {
    pattern: /^(?!sg-)(?!default$)[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/,
    expected:
      "1 to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, not beginning with sg-, and not default",
  };
}

/** An S3 object has at most 10 tags, one of which is ours. */
const mostTags = 9;

/** What the program sets itself. `release` stands on machines alone, but would be mistaken elsewhere. */
const ownTags = ["Name", "project_name", "release"];

/** Refuses exact names that AWS does not take, and roles that there are not. */
export function checkNames({ names = {} }: Draft<Settings>, report: Report): void {
  for (const [role, name = ""] of Object.entries(names)) {
    const rule: NameRule | undefined = Object.hasOwn(nameRules, role)
      ? nameRules[role as NameRole]
      : undefined;
    if (!rule)
      report(`names.${role}`, name, `there is no such role, ${didYouMean(role, Object.keys(nameRules))}`);
    else if (!rule.pattern.test(name)) report(`names.${role}`, name, `it must be ${rule.expected}`);
  }
  const { edgeSecurityGroup: edge, appSecurityGroup: app } = names;
  if (edge !== undefined && edge.toLowerCase() === app?.toLowerCase()) {
    report(
      "names.edgeSecurityGroup",
      edge,
      "names.appSecurityGroup is the same; each group needs a name of its own",
    );
  }
}

/** Characters and reserved prefix: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
export function checkTags(key: string, tags: Draft<Settings["tags"]> = {}, report: Report): void {
  for (const [tag, value = ""] of Object.entries(tags)) {
    const name = `${key}[${JSON.stringify(tag)}]`;
    if (ownTags.includes(tag) || /^aws:/i.test(tag))
      report(name, value, "that tag is set by the program or by AWS");
    else if (!/^[\p{L}\p{Z}\p{N}_.:/=+@-]*$/u.test(tag + value)) {
      report(name, value, "on AWS a tag has letters, digits, spaces and _.:/=+-@ only");
    }
  }
  const count = Object.keys(tags).length;
  if (count > mostTags) report(key, `${count} tags`, `on AWS there may be ${mostTags} at most`);
}
