import { addressCount, parseCidr } from "../../config/cidr.ts";
import { ConfigError, readSettings } from "../../config/read.ts";
import type { CloudRules, Draft, Report, Settings } from "../../config/settings.ts";

/** Five addresses of a subnet are the cloud's, and a cluster has one machine more while it is rolled. */
const roomy: Pick<CloudRules, "roomIn" | "mostAtOnce" | "takesController" | "takesScale" | "takesBudget"> = {
  takesController: true,
  takesScale: true,
  takesBudget: true,

  roomIn({ subnets = [] }, place) {
    const range = parseCidr(subnets[place]?.cidr);
    return range ? addressCount(range) - 5 : 0;
  },
  mostAtOnce: (max, { minHealthyPercent }) => max + (minHealthyPercent === 100 ? 1 : 0),
};

/** A cloud that has a default for everything. */
export const homeRules: CloudRules = {
  defaults: {
    machines: 5,
    network: { cidr: "10.77.0.0/16", subnets: [{ cidr: "10.77.1.0/24" }, { cidr: "10.77.2.0/24" }] },
    appPort: 5000,
    loadBalancerPort: 8080,
    allow: ["127.0.0.0/8"],
    healthCheckSeconds: 10,
  },
  ...roomy,
  check() {},
};

/** A cloud that leaves it to the stack who may reach the load balancer, and wants a zone for each subnet. */
export const zonedRules: CloudRules = {
  defaults: {
    machines: 2,
    network: { cidr: "10.0.0.0/16", subnets: [{ cidr: "10.0.1.0/24", zone: "zone-a" }] },
    appPort: 80,
    loadBalancerPort: 80,
    healthCheckSeconds: 30,
  },
  ...roomy,
  check({ network }: Draft<Settings>, report: Report) {
    for (const [index, { zone }] of (network?.subnets ?? []).entries()) {
      if (!zone) report(`network.subnets[${index}].zone`, zone, "it must be one of the region's zones");
    }
  },
};

export const clouds = {
  local: { rules: async () => homeRules },
  aws: { rules: async () => zonedRules },
};

/** Configuration as Pulumi hands it over: strings as they are, all else as JSON. */
export function rawConfig(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [`switchyard:${key}`, text(value)]));
}

export function read(config: Readonly<Record<string, unknown>>): Promise<Settings> {
  return readSettings(rawConfig(config), { project: "lab1", stack: "dev" }, clouds);
}

/** What is wrong with a configuration for the local cloud, a line each without `switchyard:`. */
export async function problemsOf(
  config: Readonly<Record<string, unknown>>,
  secretKeys?: ReadonlySet<string>,
): Promise<string[]> {
  try {
    await readSettings(
      rawConfig({ cloud: "local", ...config }),
      { project: "lab1", stack: "dev" },
      clouds,
      secretKeys,
    );
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((line) => line.replace("switchyard:", ""));
    throw error;
  }
  return [];
}
