import { refuse } from "../../config/checks.ts";
import { addressCount, parseCidr } from "../../config/cidr.ts";
import { checkHttps } from "../../config/https.ts";
import type { CloudRules, Draft, OpenstackSettings, Report, Settings } from "../../config/settings.ts";
import { isId } from "./images.ts";
import { checkNames, checkTags } from "./names.ts";
import { checkProviderConfig } from "./provider-config.ts";

/**
 * Addresses of a subnet that are no machine's: its first and last, the router's, those of up to three DHCP servers, and
 * those of a load balancer's: its own, and of two machines of Octavia's, which has a third one while it replaces one.
 */
const reservedAddresses = 10;

/** Keys of TempURL that a container or an account may have (Swift, "TempURL"). */
const keysOfContainer = 2;

/** OpenStack's defaults, and what it cannot do. */
export const rules: CloudRules & { readonly controllers: number } = {
  defaults: {
    machines: 2,
    network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.1.0/24" }] },
    appPort: 80,
    loadBalancerPort: 80,
    healthCheckSeconds: 30,
  },
  // Machines have no identity of their own, so they are told one.
  takesSecrets: true,
  takesController: true,
  // Nothing else would heal one.
  controllers: 2,
  roomIn({ subnets = [] }, place) {
    const range = parseCidr(subnets[place]?.cidr);
    return range ? addressCount(range) - reservedAddresses : 0;
  },
  // New machines come before any of the old ones goes.
  mostAtOnce: (max) => 2 * max,
  check(settings, report, raw) {
    checkProviderConfig(raw, report);
    checkCloud(settings, report);
    const { network, clusters = [] } = settings;
    if (network?.nat === "zonal")
      report("network.nat", network.nat, "on OpenStack one router serves all zones: make it one");
    for (const [index, { tags }] of clusters.entries()) checkTags(`clusters[${index}].tags`, tags, report);
    if (clusters.length > 0 && clusters.every(({ weight }) => weight === 0)) {
      const remedy = "Octavia gives no answer of its own to what matches no path: let one be 1 at least";
      report("clusters[0].weight", 0, remedy);
    }
    checkListeners(settings, report);
    checkNames(settings, report);
    checkTags("tags", settings.tags, report);
    refuse(settings, unknown, report);
  },
};

/** Keys that OpenStack has nothing for, or another one. */
const unknown = {
  image: "openstack.image says what machines boot",
  "clusters[].image": "openstack.image says what machines boot",
  "network.subnets[].private": "on OpenStack no machine has a public address",
  "network.flowLogs": "OpenStack keeps no record of connections that a project could switch on everywhere",
  "loadBalancer.accessLogs":
    "Octavia sends its logs where the cloud's operator says, and a project cannot choose",
  "loadBalancer.protect": "OpenStack has no deletion protection for load balancers",
  "bucket.encryptionKey": "Swift encrypts as the cloud's operator says, and a project cannot choose",
  identities: "OpenStack knows none for machines but the application credential that the program makes",
  permissionsBoundary: "OpenStack bounds application credentials by roles alone (openstack.roles)",
} as const;

/** Certificates that Octavia serves HTTPS with: Barbican's containers or secrets, by their URL. */
const certificates = {
  pattern: /^https?:\/\/\S+\/v1\/(containers|secrets)\/[0-9a-f-]{36}$/,
  remedy:
    "it must be a secret container's reference, https://<barbican>/v1/containers/<id>, or a secret's (openstack secret container list)",
} as const;

/** The load balancer's listener, and the controller's. */
function checkListeners({ loadBalancer = {}, controller, openstack }: Draft<Settings>, report: Report): void {
  checkHttps(loadBalancer, certificates, report);
  if (controller) checkHttps(controller, certificates, report, "controller");
  else if (openstack?.controllerCredential) {
    const remedy = "there is no controller (switchyard:controller) to have it; leave it out";
    report("openstack.controllerCredential", "…", remedy);
  }
}

/** What this cloud calls its parts. */
function checkCloud({ openstack, clusters = [] }: Draft<Settings>, report: Report): void {
  if (!openstack) {
    const remedy =
      "say what this cloud calls its parts: externalNetwork, with id and name (openstack network list --external), and image (openstack image list)";
    report("openstack", openstack, remedy);
    return;
  }
  const {
    batch,
    externalNetwork,
    image,
    dnsServers = [],
    tempUrl,
    tempUrlKeys = [],
    loadBalancerProvider,
  } = openstack;
  const network = externalNetwork?.id;
  if (network !== undefined && !isId(network))
    report(
      "openstack.externalNetwork.id",
      network,
      "it must be an id, such as openstack network list --external shows",
    );
  for (const [index, server] of dnsServers.entries()) {
    if (server !== undefined && !parseCidr(`${server}/32`))
      report(`openstack.dnsServers[${index}]`, server, "it must be an IPv4 address, such as 192.0.2.53");
  }
  if (loadBalancerProvider === "ovn") {
    const remedy =
      "it knows no paths, no HTTP health checks and no allowed ranges: use another, such as amphora (openstack loadbalancer provider list)";
    report("openstack.loadBalancerProvider", loadBalancerProvider, remedy);
  }
  checkStore(openstack, report);
  for (const { min, desired = min, name = "" } of clusters) {
    if (batch === undefined || desired === undefined || desired === 0 || desired > batch) continue;
    const remedy = `of ${name}'s machines, all ${desired} would be gone at once: make it less, or leave it out`;
    report("openstack.batch", batch, remedy);
  }
  if (tempUrlKeys.length > keysOfContainer)
    report("openstack.tempUrlKeys", `${tempUrlKeys.length} keys`, "Swift knows two: the first signs");
  if (tempUrl === "account" && tempUrlKeys.length === 0)
    report(
      "openstack.tempUrlKeys",
      undefined,
      "give the key that the account has (openstack object store account show)",
    );
  for (const [index, { diskGiB }] of clusters.entries()) {
    if (diskGiB === undefined || image === undefined || isId(image)) continue;
    const remedy =
      "a disk of a size of its own is a volume, made of an image by its id: make openstack.image one (openstack image list)";
    report(`clusters[${index}].diskGiB`, diskGiB, remedy);
  }
}

/** What keeps files and releases, and what goes with it. */
function checkStore(
  { store, s3, credential, tempUrl, tempUrlKeys = [] }: Draft<OpenstackSettings>,
  report: Report,
): void {
  if (tempUrl === "off" && tempUrlKeys.length > 0)
    report(
      "openstack.tempUrlKeys",
      "…",
      "without links (tempUrl: off) there is nothing to sign; leave it out",
    );
  if (store !== "s3") {
    if (s3) report("openstack.s3", "…", "it is for store: s3; leave it out, or make openstack.store that");
    return;
  }
  if (!s3) {
    const remedy =
      "say where the service is, s3.endpoint (openstack catalog show s3), and which access key machines have, s3.credential";
    report("openstack.s3", undefined, remedy);
    return;
  }
  const { endpoint, region, createCredential } = s3;
  if (endpoint !== undefined && !/^https?:\/\/[^\s/?#]+(\/[^\s?#]*[^\s?#/])?$/.test(endpoint))
    report(
      "openstack.s3.endpoint",
      endpoint,
      "it must be a URL without a slash at its end, such as https://rgw.example.org",
    );
  if (region !== undefined && !/^[a-z0-9-]{1,40}$/.test(region))
    report(
      "openstack.s3.region",
      region,
      "it must be lower-case letters, digits and hyphens, such as us-east-1",
    );
  if (s3.credential && createCredential)
    report(
      "openstack.s3.createCredential",
      true,
      "machines have one access key: leave this out, or s3.credential",
    );
  if (!s3.credential && createCredential === false)
    report(
      "openstack.s3.credential",
      undefined,
      "give the access key of machines, of a user that may do nothing else (openstack ec2 credentials create), or let the program make one of your own rights with s3.createCredential",
    );
  if (credential)
    report(
      "openstack.credential",
      "…",
      "it is for Swift; with store: s3 machines have openstack.s3.credential",
    );
  if (tempUrlKeys.length > 0)
    report("openstack.tempUrlKeys", "…", "they are for Swift; with store: s3 the access key signs links");
}
