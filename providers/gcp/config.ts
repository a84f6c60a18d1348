import { imagesIn, refuse } from "../../config/checks.ts";
import { addressCount, parseCidr } from "../../config/cidr.ts";
import { checkHttps } from "../../config/https.ts";
import { machineKeys } from "../../config/peaks.ts";
import type { CloudRules, Draft, NetworkSettings, Report, Settings } from "../../config/settings.ts";
import { checkTags } from "./labels.ts";
import { machineTypeOf, machineTypeProblem } from "./machine-types.ts";
import { checkNames } from "./names.ts";
import { checkProviderConfig } from "./provider-config.ts";
import { longestTimeout, surgeOf } from "./rollout.ts";
import { regionOf } from "./zones.ts";

/** Addresses of a subnet that Google keeps: the first two and the last two (https://cloud.google.com/vpc/docs/subnets#reserved_ip_addresses_in_every_subnet). */
const reservedAddresses = 4;

/** The smallest disk that the images fit on, in GiB. */
const leastDisk = 10;

/** Ranges of a rule of Cloud Armor's, and rules of a policy (https://cloud.google.com/armor/quotas). */
export const rangesOfRule = 10;
const rulesOfPolicy = 200;

/** Google Cloud's defaults, and what it cannot do. */
export const rules: CloudRules = {
  defaults: {
    machines: 2,
    network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.1.0/24" }] },
    appPort: 80,
    loadBalancerPort: 80,
    healthCheckSeconds: 30,
  },
  roomIn({ subnets = [] }, place) {
    const range = parseCidr(subnets[place]?.cidr);
    return range ? addressCount(range) - reservedAddresses : 0;
  },
  placesOf: (subnets) => subnets.slice(0, 1),
  takesController: true,
  takesScale: true,
  takesBudget: true,
  mostAtOnce: (max) => max + surgeOf(max),
  check(settings, report, raw) {
    checkProviderConfig(settings, report, raw);
    checkNat(settings, report);
    checkClusters(settings, report);
    checkListeners(settings, report);
    checkKey(settings, report);
    checkImages(settings, report);
    checkBudget(settings, report);
    checkNames(settings, report);
    checkIdentities(settings, report, raw);
    checkTags("tags", settings.tags, report);
    const timeout = settings.rollout?.timeoutSeconds;
    if (timeout !== undefined && timeout > longestTimeout) {
      const remedy = `on Google Cloud it must be ${longestTimeout} at most, because auto-healing waits no longer`;
      report("rollout.timeoutSeconds", timeout, remedy);
    }
    refuse(settings, unknown, report);
  },
};

/** Keys that Google Cloud has nothing for. */
const unknown = {
  "loadBalancer.protect": "Google Cloud has no deletion protection for load balancers",
  permissionsBoundary: "Google Cloud bounds service accounts by an organization's policies alone",
} as const;

/** Whether machines of a subnet have public addresses: only where `access` lets somebody reach them. */
export function isPublic(
  network: Draft<NetworkSettings>,
  place: number,
  access: Draft<Settings["access"]>,
): boolean {
  return access.length > 0 && !network.subnets?.[place]?.private;
}

/** Cloud NAT serves a region, all its zones, and machines without public addresses alone. */
function checkNat({ network = {}, access = [] }: Draft<Settings>, report: Report): void {
  const { nat, subnets = [] } = network;
  if (nat === "zonal") {
    report("network.nat", nat, "on Google Cloud one gateway serves all zones of the region: make it one");
  } else if (nat === "one" && subnets.every((_, place) => isPublic(network, place, access))) {
    report(
      "network.nat",
      nat,
      "all machines have public addresses, so nothing would use the gateway; leave it out",
    );
  }
}

function checkClusters(settings: Draft<Settings>, report: Report): void {
  for (const { key, ...machine } of machineKeys(settings)) {
    const type = machineTypeOf(machine);
    const problem = machineTypeProblem(type);
    if (problem) report(key, type, problem);
  }
  for (const [index, { diskGiB, tags }] of (settings.clusters ?? []).entries()) {
    const key = `clusters[${index}]`;
    if (diskGiB !== undefined && diskGiB < leastDisk)
      report(`${key}.diskGiB`, diskGiB, `the image needs ${leastDisk} at least`);
    checkTags(`${key}.tags`, tags, report);
  }
}

/** Certificates that Google Cloud serves HTTPS with. */
const certificates = {
  pattern:
    /^projects\/[a-z][a-z0-9-]+\/(global\/sslCertificates|locations\/global\/certificateMaps)\/[a-z][a-z0-9-]*$/,
  remedy:
    "it must be a certificate, projects/<project>/global/sslCertificates/<name>, or a certificate map, projects/<project>/locations/global/certificateMaps/<name>",
} as const;

/** The load balancer's listener, and the controller's. */
function checkListeners({ loadBalancer = {}, controller }: Draft<Settings>, report: Report): void {
  const most = (rulesOfPolicy - 1) * rangesOfRule;
  for (const [key, listener] of Object.entries({ loadBalancer, controller })) {
    if (!listener) continue;
    const ranges = new Set(listener.allow).size;
    if (ranges > most)
      report(`${key}.allow`, `${ranges} ranges`, `Cloud Armor takes ${most} at most: name larger ones`);
    checkHttps(listener, certificates, report, key);
  }
}

/** Google's own words for images: one, or the newest of a family. */
function checkImages(settings: Draft<Settings>, report: Report): void {
  for (const [key, image] of imagesIn(settings)) {
    if (/^projects\/[a-z][a-z0-9-]+\/global\/images\/(family\/)?[a-z][a-z0-9-]*$/.test(image)) continue;
    const remedy =
      "it must be an image, projects/<project>/global/images/<name>, or a family of them, …/images/family/<name>";
    report(key, image, remedy);
  }
}

/** A budget is a billing account's (https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets). */
function checkBudget({ budget }: Draft<Settings>, report: Report): void {
  if (!budget || /^[0-9A-F]{6}(-[0-9A-F]{6}){2}$/.test(budget.billingAccount ?? "")) return;
  const remedy =
    "say which billing account pays, such as 012345-6789AB-CDEF01 (gcloud billing accounts list)";
  report("budget.billingAccount", budget.billingAccount, remedy);
}

/** Accounts that were made beforehand, with their roles, in the stack's own project. */
function checkIdentities(
  { identities, controller, names = {} }: Draft<Settings>,
  report: Report,
  raw: Readonly<Record<string, string>>,
): void {
  if (!identities) return;
  const remedy = `it must be the e-mail of a service account of gcp:project, <name>@${raw["gcp:project"]}.iam.gserviceaccount.com`;
  for (const owner of ["machines", "controller"] as const) {
    const email = identities[owner];
    const [, project] =
      /^[a-z][a-z0-9-]{4,28}[a-z0-9]@([a-z0-9-]+)\.iam\.gserviceaccount\.com$/.exec(email ?? "") ?? [];
    if (email === undefined && (owner === "machines" || !controller)) continue;
    if (project === undefined || project !== raw["gcp:project"]) report(`identities.${owner}`, email, remedy);
  }
  if (names.machineAccount !== undefined)
    report("names.machineAccount", names.machineAccount, "the account is there already: identities names it");
}

/** A bucket's key is where the bucket is. */
function checkKey({ bucket, network = {} }: Draft<Settings>, report: Report): void {
  const key = bucket?.encryptionKey;
  if (key === undefined) return;
  const [, location] =
    /^projects\/[a-z][a-z0-9-]+\/locations\/([a-z0-9-]+)\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+$/.exec(key) ??
    [];
  const region = regionOf(network);
  if (location === undefined) {
    const remedy =
      "it must be a Cloud KMS key, projects/<project>/locations/<region>/keyRings/<ring>/cryptoKeys/<key>";
    report("bucket.encryptionKey", key, remedy);
  } else if (region !== undefined && location !== region)
    report("bucket.encryptionKey", key, `it must be a key of the bucket's region, ${region}`);
}
