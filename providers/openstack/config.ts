import { refuse } from "../../config/checks.ts";
import { addressCount, parseCidr } from "../../config/cidr.ts";
import { checkHttps } from "../../config/https.ts";
import type { CloudRules, Draft, Report, Settings } from "../../config/settings.ts";
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
export const rules: CloudRules = {
  defaults: {
    machines: 2,
    network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.1.0/24" }] },
    appPort: 80,
    loadBalancerPort: 80,
    healthCheckSeconds: 30,
  },
  // Machines have no identity of their own, so they are told one.
  takesSecrets: true,
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
    checkHttps(settings.loadBalancer ?? {}, certificates, report);
    checkNames(settings, report);
    checkTags("tags", settings.tags, report);
    refuse(settings, unknown, report);
  },
};

/** Keys that OpenStack has nothing for. */
const unknown = {
  "network.subnets[].private": "on OpenStack no machine has a public address",
  "network.flowLogs": "OpenStack keeps no record of connections that a project could switch on everywhere",
  "loadBalancer.accessLogs":
    "Octavia sends its logs where the cloud's operator says, and a project cannot choose",
  "loadBalancer.protect": "OpenStack has no deletion protection for load balancers",
  "bucket.encryptionKey": "Swift encrypts as the cloud's operator says, and a project cannot choose",
  permissionsBoundary: "OpenStack bounds application credentials by roles alone (openstack.roles)",
} as const;

/** Certificates that Octavia serves HTTPS with: Barbican's containers or secrets, by their URL. */
const certificates = {
  pattern: /^https?:\/\/\S+\/v1\/(containers|secrets)\/[0-9a-f-]{36}$/,
  remedy:
    "it must be a secret container's reference, https://<barbican>/v1/containers/<id>, or a secret's (openstack secret container list)",
} as const;

/** What this cloud calls its parts. */
function checkCloud({ openstack, clusters = [] }: Draft<Settings>, report: Report): void {
  if (!openstack) {
    const remedy =
      "say what this cloud calls its parts: externalNetwork, with id and name (openstack network list --external), and image (openstack image list)";
    report("openstack", openstack, remedy);
    return;
  }
  const {
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
