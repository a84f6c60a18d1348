import { ConfigError, readSettings } from "../../../config/read.ts";
import { rules } from "../../../providers/gcp/config.ts";
import { rawConfig } from "../../support/config.ts";

export const zoned = (...zones: (string | undefined)[]) => ({
  cidr: "10.0.0.0/16",
  subnets: zones.map((zone, index) => ({ cidr: `10.0.${index}.0/24`, ...(zone && { zone }) })),
});

/** A configuration with nothing wrong in it. */
export const valid = {
  cloud: "gcp",
  network: zoned("us-west1-b", "us-west1-c"),
  loadBalancer: { allow: ["192.0.2.0/24"] },
};

export const certificate = "projects/lab-123456/global/sslCertificates/api";

/**
 * What is wrong with a configuration for Google Cloud, a line each without `switchyard:`.
 * @param config what stands above a valid one; undefined removes a key
 * @param gcp keys of the provider's own, below `gcp:`
 */
export async function problemsOf(
  config: Readonly<Record<string, unknown>>,
  gcp: Readonly<Record<string, string>> = { project: "lab-123456" },
): Promise<string[]> {
  const given = Object.entries({ ...valid, ...config }).filter(([, value]) => value !== undefined);
  const provider = Object.entries(gcp).map(([key, value]) => [`gcp:${key}`, value]);
  const raw = { ...rawConfig(Object.fromEntries(given)), ...Object.fromEntries(provider) };
  try {
    await readSettings(raw, { project: "lab1", stack: "dev" }, { gcp: { rules: async () => rules } });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((line) => line.replace("switchyard:", ""));
    throw error;
  }
  return [];
}
