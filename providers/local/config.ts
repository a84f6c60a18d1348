import type { CloudRules } from "../../config/settings.ts";
import { machineTypeOf, machineTypes } from "./machine-types.ts";

/** Ports below this need a privilege that the local cloud neither has nor asks for (Linux `ip_unprivileged_port_start`). */
const firstUnprivilegedPort = 1024;

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
  check(settings, report) {
    const ports = { "app.port": settings.app.port, "loadBalancer.port": settings.loadBalancer.port };
    for (const [key, port] of Object.entries(ports)) {
      if (port >= firstUnprivilegedPort) continue;
      report(
        key,
        port,
        `on this cloud, ports below ${firstUnprivilegedPort} need privileges; choose ${firstUnprivilegedPort} to 65535`,
      );
    }
    settings.clusters.forEach((cluster, index) => {
      const machineType = machineTypeOf(cluster);
      if (machineTypes[machineType]) return;
      report(
        `clusters[${index}].machineType`,
        machineType,
        `on this cloud it may be ${Object.keys(machineTypes).join(", ")}`,
      );
    });
    if (settings.access.length > 0) {
      report(
        "access",
        settings.access,
        "this cloud has no firewall between its machines and this host; leave it out",
      );
    }
    for (const key of ["certificate", "host"] as const) {
      const value = settings.loadBalancer[key];
      if (value === undefined) continue;
      report(`loadBalancer.${key}`, value, "this cloud serves no HTTPS; leave it out");
    }
    if (settings.sshKey !== undefined) {
      report("sshKey", settings.sshKey, "machines of this cloud are processes without a login; leave it out");
    }
  },
};
