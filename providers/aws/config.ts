import { parseCidr } from "../../config/cidr.ts";
import { didYouMean } from "../../config/read.ts";
import type { CloudRules, LoadBalancerSettings, Report, Settings } from "../../config/settings.ts";
import { isMachineType, machineTypeOf } from "./machine-types.ts";

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
    // AWS takes dots, too, but its own certificates do not.
    pattern: /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
    expected: "3 to 63 lower-case letters, digits and hyphens, no hyphen first or last",
  },
  loadBalancer: {
    pattern: /^(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/,
    expected: "1 to 32 letters, digits and hyphens, no hyphen first or last",
  },
} as const satisfies Record<string, NameRule>;

export type NameRole = keyof typeof nameRules;

function securityGroupName(): NameRule {
  return {
    pattern: /^(?!sg-)[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/,
    expected: "1 to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, not beginning with sg-",
  };
}

/** AWS's limits of what an application load balancer's health check takes (CreateTargetGroup in its API reference). */
const leastOfHealthCheck = {
  intervalSeconds: 5,
  timeoutSeconds: 2,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
} as const;

/** "Target groups per action on an Application Load Balancer", of its quotas. */
const mostWeighted = 5;

/** An S3 object has at most 10 tags, one of which is ours. */
const mostTags = 9;

/** What the program sets itself. `release` stands on machines alone, but would be mistaken elsewhere. */
const ownTags = ["Name", "project_name", "release"];

/** AWS's defaults, and what it cannot do. */
export const rules: CloudRules = {
  defaults: {
    machines: 2,
    network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.1.0/24" }, { cidr: "10.0.2.0/24" }] },
    appPort: 80,
    loadBalancerPort: 80,
    healthCheckSeconds: 30,
  },
  check(settings, report) {
    checkNetwork(settings, report);
    checkClusters(settings, report);
    checkLoadBalancer(settings.loadBalancer, report);
    checkNames(settings, report);
    checkTags("tags", settings.tags, report);
  },
};

/**
 * An application load balancer stands in two zones or more, in one subnet of each, which is a /27 or larger
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#subnets-load-balancer);
 * a VPC is a /16 to /28 (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html).
 */
function checkNetwork({ network: { cidr, subnets } }: Settings, report: Report): void {
  if ((parseCidr(cidr)?.prefix ?? 0) < 16) report("network.cidr", cidr, "on AWS it must be from /16 to /28");
  const zones = new Set<string>();
  let isComplete = true;
  for (const [index, subnet] of subnets.entries()) {
    const key = `network.subnets[${index}]`;
    if (subnet.zone === undefined || !/^[a-z]+(-[a-z]+)+-\d+(-[a-z]+-\d+)?[a-z]$/.test(subnet.zone)) {
      isComplete = false;
      report(
        `${key}.zone`,
        subnet.zone,
        "it must be one of the region's availability zones, such as us-east-1a",
      );
    } else if (!zones.has(subnet.zone)) {
      zones.add(subnet.zone);
      if ((parseCidr(subnet.cidr)?.prefix ?? 0) > 27) {
        report(`${key}.cidr`, subnet.cidr, "the load balancer stands in it, and needs a /27 or larger");
      }
    }
  }
  if (isComplete && zones.size < 2) {
    report("network.subnets", subnets, "the load balancer needs subnets in at least two zones");
  }
}

function checkClusters({ clusters }: Settings, report: Report): void {
  for (const [index, cluster] of clusters.entries()) {
    const machineType = machineTypeOf(cluster);
    if (!isMachineType(machineType)) {
      report(
        `clusters[${index}].machineType`,
        machineType,
        "it must be an EC2 machine type such as t3.small",
      );
    }
    checkTags(`clusters[${index}].tags`, cluster.tags, report);
  }
  const weighted = clusters.filter(({ weight }) => weight > 0);
  if (weighted.length > mostWeighted) {
    const remedy = `a load balancer splits requests between ${mostWeighted} clusters at most: give ${weighted.length - mostWeighted} of them the weight 0`;
    report("clusters", `${weighted.length} clusters with a weight`, remedy);
  }
}

function checkLoadBalancer(settings: LoadBalancerSettings, report: Report): void {
  for (const [key, least] of Object.entries(leastOfHealthCheck)) {
    const value = settings.healthCheck[key as keyof typeof leastOfHealthCheck];
    if (value < least)
      report(`loadBalancer.healthCheck.${key}`, value, `on AWS it must be at least ${least}`);
  }
  const { certificate, host, port } = settings;
  if (certificate === undefined) {
    if (host !== undefined)
      report("loadBalancer.host", host, "it is for HTTPS: give loadBalancer.certificate too");
    return;
  }
  if (!/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/.test(certificate)) {
    const remedy = "it must be an ACM certificate's ARN, arn:aws:acm:<region>:<account>:certificate/<id>";
    report("loadBalancer.certificate", certificate, remedy);
  }
  if (host === undefined) {
    report("loadBalancer.host", host, "say which name the certificate is for, such as api.example.org");
  }
  if (port === httpsPort) {
    const remedy = `with a certificate, this port redirects to ${httpsPort}: choose another one, such as 80`;
    report("loadBalancer.port", port, remedy);
  }
}

/** Where the load balancer listens when there is a certificate. */
export const httpsPort = 443;

function checkNames({ names }: Settings, report: Report): void {
  for (const [role, name] of Object.entries(names)) {
    const rule: NameRule | undefined = Object.hasOwn(nameRules, role)
      ? nameRules[role as NameRole]
      : undefined;
    if (!rule)
      report(`names.${role}`, name, `there is no such role, ${didYouMean(role, Object.keys(nameRules))}`);
    else if (!rule.pattern.test(name)) report(`names.${role}`, name, `it must be ${rule.expected}`);
  }
}

/** Characters and reserved prefix: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
function checkTags(key: string, tags: Readonly<Record<string, string>>, report: Report): void {
  for (const [tag, value] of Object.entries(tags)) {
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
