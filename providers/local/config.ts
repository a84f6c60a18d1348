import { imagesIn, refuse } from "../../config/checks.ts";
import { parseCidr } from "../../config/cidr.ts";
import { machineKeys } from "../../config/peaks.ts";
import type { CloudRules } from "../../config/settings.ts";
import { usableAddresses } from "./cloud/addresses.ts";
import { mostMachines } from "./cloud/rollout.ts";
import { imageNames } from "./image-names.ts";
import { machineTypeOf, machineTypes } from "./machine-types.ts";

/** Ports below this need a privilege that the local cloud neither has nor asks for (Linux `ip_unprivileged_port_start`). */
const firstUnprivilegedPort = 1024;

/** Keys that this cloud has no use for. */
const useless = {
  access: "this cloud has no firewall between its machines and this host",
  "bucket.encryptionKey": "this cloud keeps objects as the disk does",
  "controller.certificate": "this cloud serves no HTTPS",
  "controller.host": "this cloud serves no HTTPS",
  "clusters[].diskGiB": "machines of this cloud have no disks of their own",
  "loadBalancer.accessLogs": "this cloud records no requests",
  "loadBalancer.certificate": "this cloud serves no HTTPS",
  "loadBalancer.host": "this cloud serves no HTTPS",
  "loadBalancer.protect": "this cloud's load balancer can be deleted by its deployment alone",
  names: "nothing of this cloud has a name that others see",
  "network.flowLogs": "this cloud records no connections",
  "network.subnets[].private": "machines of this cloud are all on this host's loopback",
  identities: "machines of this cloud have no roles",
  permissionsBoundary: "machines of this cloud have no roles",
  sshKey: "machines of this cloud are processes without a login",
} as const;

/** The local cloud's defaults, and what it cannot do. */
export const rules: CloudRules = {
  defaults: {
    machines: 5,
    network: { cidr: "10.77.0.0/16", subnets: [{ cidr: "10.77.1.0/24" }, { cidr: "10.77.2.0/24" }] },
    appPort: 5000,
    loadBalancerPort: 8080,
    allow: ["127.0.0.0/8"],
    healthCheckSeconds: 10,
  },
  roomIn({ subnets = [] }, place) {
    const range = parseCidr(subnets[place]?.cidr);
    return range ? usableAddresses(range.prefix) : 0;
  },
  mostAtOnce: mostMachines,
  takesController: true,
  takesScale: true,
  check(settings, report) {
    const { app, loadBalancer, controller } = settings;
    const ports = {
      "app.port": app?.port,
      "loadBalancer.port": loadBalancer?.port,
      "controller.port": controller?.port,
    };
    for (const [key, port] of Object.entries(ports)) {
      if (port === undefined || port >= firstUnprivilegedPort) continue;
      report(
        key,
        port,
        `on this cloud, ports below ${firstUnprivilegedPort} need privileges; choose ${firstUnprivilegedPort} to 65535`,
      );
    }
    for (const { key, ...machine } of machineKeys(settings)) {
      const type = machineTypeOf(machine);
      if (Object.hasOwn(machineTypes, type)) continue;
      report(key, type, `on this cloud it may be ${Object.keys(machineTypes).join(", ")}`);
    }
    for (const [key, image] of imagesIn(settings)) {
      if (!imageNames.pattern.test(image)) report(key, image, `it must be ${imageNames.expected}`);
    }
    if (settings.network?.nat !== "none" && settings.network?.nat !== undefined) {
      report("network.nat", settings.network.nat, "this cloud needs no gateway; leave it out");
    }
    refuse(settings, useless, report);
  },
};
