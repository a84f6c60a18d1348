import { imagesIn, refuse } from "../../config/checks.ts";
import { addressCount, parseCidr } from "../../config/cidr.ts";
import { checkHttps } from "../../config/https.ts";
import { machineKeys } from "../../config/peaks.ts";
import type { CloudRules, Draft, NetworkSettings, Report, Settings } from "../../config/settings.ts";
import { machineTypeOf, machineTypeProblem } from "./machine-types.ts";
import { checkNames, checkTags } from "./names.ts";
import { checkProviderConfig } from "./provider-config.ts";

/** AWS's limits of what an application load balancer's health check takes (CreateTargetGroup in its API reference). */
const leastOfHealthCheck = {
  intervalSeconds: 5,
  timeoutSeconds: 2,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
} as const;

/**
 * Quotas that an account has from the start: of an application load balancer
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html), target groups per
 * action and rules besides the default ones; of a security group
 * (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html), rules for each direction.
 */
const quotas = { weighted: 5, listenerRules: 100, firewallRules: 60 } as const;

/** Segments of a path, of which listener rules have a priority for each number (load-balancer.ts). */
export const mostSegments = 10;

/** Addresses of a subnet that AWS keeps: the first four and the last (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html). */
const reservedAddresses = 5;

/** Free addresses that a load balancer wants in each of its subnets (same page as `checkNetwork`). */
const balancerAddresses = 8;

/** Keys that AWS has another one for. */
const unknown = {
  identities: "on AWS the program makes the roles of machines, within permissionsBoundary",
} as const;

/** AWS's defaults, and what it cannot do. */
export const rules: CloudRules = {
  defaults: {
    machines: 2,
    network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.1.0/24" }, { cidr: "10.0.2.0/24" }] },
    appPort: 80,
    loadBalancerPort: 80,
    healthCheckSeconds: 30,
  },
  roomIn(network, place, loadBalancers) {
    const range = parseCidr(network.subnets?.[place]?.cidr);
    const ofBalancer = edgePlaces(network).includes(place) ? balancerAddresses * loadBalancers : 0;
    return range ? addressCount(range) - reservedAddresses - ofBalancer : 0;
  },
  takesController: true,
  takesScale: true,
  takesBudget: true,
  // Healthy ones may be as many points above the share as AWS allows, 100 (cluster.ts).
  mostAtOnce: (max, { minHealthyPercent = 100 }) => Math.ceil((max * (minHealthyPercent + 100)) / 100),
  check(settings, report, raw) {
    checkNetwork(settings, report);
    checkProviderConfig(settings, report, raw);
    checkFirewalls(settings, report);
    checkClusters(settings, report);
    checkLoadBalancer(settings.loadBalancer ?? {}, report);
    checkController(settings, report);
    checkImages(settings, report);
    checkBudget(settings, report, raw);
    checkArns(settings, report);
    checkSshKey(settings, report);
    checkNames(settings, report);
    refuse(settings, unknown, report);
    checkTags("tags", settings.tags, report);
  },
};

/** Where the load balancer stands: in the first public subnet of each zone. */
export function edgePlaces({ subnets = [] }: Draft<NetworkSettings>): number[] {
  const open = [...subnets.keys()].filter((place) => !subnets[place]?.private);
  return open.filter(
    (place) => open.find((other) => subnets[other]?.zone === subnets[place]?.zone) === place,
  );
}

const zonePattern = /^[a-z]+(-[a-z]+)+-\d+(-[a-z]+-\d+)?[a-z]$/;

/**
 * An application load balancer stands in two zones or more, in one subnet of each, which is a /27 or larger, and in local
 * zones only if in no others
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#subnets-load-balancer);
 * a VPC is a /16 to /28 (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html).
 */
function checkNetwork({ network = {} }: Draft<Settings>, report: Report): void {
  const { cidr, subnets = [], nat } = network;
  if ((parseCidr(cidr)?.prefix ?? 16) < 16) report("network.cidr", cidr, "on AWS it must be from /16 to /28");
  for (const [index, { zone }] of subnets.entries()) {
    if (zone !== undefined && zonePattern.test(zone)) continue;
    const remedy = "it must be one of the region's availability zones, such as us-east-1a";
    report(`network.subnets[${index}].zone`, zone, remedy);
  }
  const edge = edgePlaces(network);
  for (const place of edge) {
    const range = subnets[place]?.cidr;
    if ((parseCidr(range)?.prefix ?? 27) <= 27) continue;
    report(
      `network.subnets[${place}].cidr`,
      range,
      "the load balancer stands in it, and needs a /27 or larger",
    );
  }
  const zones = edge.map((place) => subnets[place]?.zone ?? "");
  if (!zones.every((zone) => zonePattern.test(zone))) return;
  if (zones.length < 2 && subnets.length > 0) {
    const which = subnets.some((subnet) => subnet.private) ? "subnets that are not private" : "subnets";
    report("network.subnets", subnets, `the load balancer needs ${which} in at least two zones`);
  }
  const localZones = zones.filter((zone) => /-\d+-[a-z]+-\d+[a-z]$/.test(zone));
  if (localZones.length > 0 && localZones.length < zones.length) {
    const remedy =
      "the load balancer cannot stand in a local zone and in others: make all subnets' zones local ones, or none";
    report("network.subnets", localZones, remedy);
  }
  const isHidden = subnets.map((subnet) => subnet.private === true);
  if (nat !== undefined && nat !== "none" && !isHidden.includes(true)) {
    report("network.nat", nat, "no subnet is private, so nothing would use the gateway; leave it out");
  }
  if (nat !== "zonal") return;
  for (const [place, { zone }] of subnets.entries()) {
    if (!isHidden[place] || zones.includes(zone ?? "")) continue;
    const remedy =
      "a gateway in each zone needs a subnet there that is not private; add one, or set network.nat to one";
    report(`network.subnets[${place}].zone`, zone, remedy);
  }
}

/** A rule for each port and range; one more on the app's group, for the load balancer. */
function checkFirewalls({ access = [], loadBalancer, controller }: Draft<Settings>, report: Report): void {
  const limit = quotas.firewallRules;
  for (const [key, listener = {}] of Object.entries({ loadBalancer, controller })) {
    const { allow = [], certificate } = listener;
    const ports = certificate === undefined ? 1 : 2;
    const edge = new Set(allow).size * ports;
    if (edge <= limit) continue;
    const remedy = `a security group has ${limit} rules at most, so name ${Math.floor(limit / ports)} ranges or fewer, larger ones`;
    report(`${key}.allow`, `${new Set(allow).size} ranges for ${ports} ports`, remedy);
  }
  const app = new Set(access.flatMap(({ port, from = [] }) => from.map((range) => `${port} ${range}`))).size;
  const balancers = controller ? 2 : 1;
  if (app + balancers > limit) {
    const remedy = `a security group has ${limit} rules at most, one of them for the load balancer: name fewer, larger ranges`;
    report("access", `${app} pairs of port and range`, remedy);
  }
}

function checkClusters(settings: Draft<Settings>, report: Report): void {
  const { clusters = [] } = settings;
  for (const { key, ...machine } of machineKeys(settings)) {
    const type = machineTypeOf(machine);
    const problem = machineTypeProblem(type);
    if (problem) report(key, type, problem);
  }
  for (const [index, { tags, path }] of clusters.entries()) {
    const key = `clusters[${index}]`;
    if ((path?.split("/").length ?? 0) > mostSegments + 1) {
      report(`${key}.path`, path, `on AWS it may have ${mostSegments} segments at most`);
    }
    checkTags(`${key}.tags`, tags, report);
  }
  const weighted = clusters.filter(({ weight = 0 }) => weight > 0);
  if (weighted.length > quotas.weighted) {
    const remedy = `a load balancer splits requests between ${quotas.weighted} clusters at most: give ${weighted.length - quotas.weighted} of them the weight 0`;
    report("clusters", `${weighted.length} clusters with a weight`, remedy);
  }
  const paths = clusters.filter(({ path }) => path !== undefined).length;
  if (paths > quotas.listenerRules) {
    const remedy = `a load balancer has ${quotas.listenerRules} rules at most, one for each path`;
    report("clusters", `${paths} clusters with a path`, remedy);
  }
}

/** The controller's listener is as the load balancer's. */
function checkController({ controller }: Draft<Settings>, report: Report): void {
  if (!controller) return;
  checkHttps(controller, certificates, report, "controller");
}

/** AMIs that machines may boot. */
function checkImages(settings: Draft<Settings>, report: Report): void {
  for (const [key, image] of imagesIn(settings)) {
    if (/^(ami-[0-9a-f]{8,17}|resolve:ssm:[\w./-]+)$/.test(image)) continue;
    report(key, image, "it must be an image's id, ami-…, or a parameter that has one, resolve:ssm:…");
  }
}

/** Charges are estimated in US dollars, for the account that asks, and not in GovCloud, whose charges another account has. */
function checkBudget(
  { budget }: Draft<Settings>,
  report: Report,
  raw: Readonly<Record<string, string>>,
): void {
  if (!budget) return;
  const { currency, billingAccount } = budget;
  if (currency !== undefined && currency !== "USD")
    report(
      "budget.currency",
      currency,
      "AWS estimates charges in USD: leave it out, and give the amount in USD",
    );
  if (billingAccount !== undefined)
    report("budget.billingAccount", billingAccount, "on AWS the account itself pays; leave it out");
  if (raw["aws:region"]?.startsWith("us-gov-"))
    report("budget", budget, "accounts of GovCloud are not told their charges; leave it out");
}

/** Certificates that an application load balancer serves HTTPS with. */
const certificates = {
  pattern: /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
  remedy: "it must be an ACM certificate's ARN, arn:aws:acm:<region>:<account>:certificate/<id>",
} as const;

function checkLoadBalancer(settings: Draft<Settings["loadBalancer"]>, report: Report): void {
  for (const [key, least] of Object.entries(leastOfHealthCheck)) {
    const value = settings.healthCheck?.[key as keyof typeof leastOfHealthCheck];
    if (value !== undefined && value < least)
      report(`loadBalancer.healthCheck.${key}`, value, `on AWS it must be at least ${least}`);
  }
  checkHttps(settings, certificates, report);
}

function checkArns({ bucket, permissionsBoundary }: Draft<Settings>, report: Report): void {
  const key = bucket?.encryptionKey;
  // Not an alias: IAM's policies do not follow those.
  if (key !== undefined && !/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/.test(key)) {
    report(
      "bucket.encryptionKey",
      key,
      "it must be a KMS key's ARN, arn:aws:kms:<region>:<account>:key/<id>",
    );
  }
  const boundary = permissionsBoundary;
  if (boundary !== undefined && !/^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/.test(boundary)) {
    const remedy = "it must be an IAM policy's ARN, arn:aws:iam::<account>:policy/<name>";
    report("permissionsBoundary", boundary, remedy);
  }
}

/** EC2 takes RSA and ED25519 keys (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-key-pairs.html). */
function checkSshKey({ sshKey }: Draft<Settings>, report: Report): void {
  if (sshKey === undefined || /^ssh-(rsa|ed25519) /.test(sshKey)) return;
  report("sshKey", sshKey, "EC2 takes RSA and ED25519 keys alone: make one with ssh-keygen -t ed25519");
}
