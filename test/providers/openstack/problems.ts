import { ConfigError, readSettings } from "../../../config/read.ts";
import { rules } from "../../../providers/openstack/config.ts";
import { rawConfig } from "../../support/config.ts";

export const cloud = {
  externalNetwork: { id: "6a1a1a3c-2d2b-4f0e-9c51-5f2f5e6d7c8b", name: "public" },
  image: "0f3c3a52-6a53-4f1f-8a37-0a3a9a1d6a11",
};

/** A configuration with nothing wrong in it. */
export const valid = { cloud: "openstack", openstack: cloud, loadBalancer: { allow: ["192.0.2.0/24"] } };

const provider = { authUrl: "https://keystone.example.org/v3", region: "RegionOne", useOctavia: "true" };

/**
 * What is wrong with a configuration for OpenStack, a line each without `switchyard:`.
 * @param config what stands above a valid one; undefined removes a key
 * @param openstack keys of the provider's own, below `openstack:`
 */
export async function problemsOf(
  config: Readonly<Record<string, unknown>>,
  openstack: Readonly<Record<string, string>> = provider,
): Promise<string[]> {
  const given = Object.entries({ ...valid, ...config }).filter(([, value]) => value !== undefined);
  const own = Object.entries(openstack).map(([key, value]) => [`openstack:${key}`, value]);
  const raw = { ...rawConfig(Object.fromEntries(given)), ...Object.fromEntries(own) };
  const clouds = { openstack: { rules: async () => rules } };
  try {
    await readSettings(raw, { project: "lab1", stack: "dev" }, clouds);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((line) => line.replace("switchyard:", ""));
    throw error;
  }
  return [];
}
