import { ConfigError, readSettings } from "../../../config/read.ts";
import { rules } from "../../../providers/aws/config.ts";
import { rawConfig } from "../../support/config.ts";

export const zoned = (...zones: (string | undefined)[]) => ({
  cidr: "10.0.0.0/16",
  subnets: zones.map((zone, index) => ({ cidr: `10.0.${index}.0/24`, ...(zone && { zone }) })),
});

/** A configuration with nothing wrong in it. */
export const valid = {
  cloud: "aws",
  network: zoned("us-east-1a", "us-east-1b"),
  loadBalancer: { allow: ["192.0.2.0/24"] },
};

export const certificate =
  "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-0123456789ab";

/**
 * What is wrong with a configuration for AWS, a line each without `switchyard:`.
 * @param config what stands above a valid one; undefined removes a key
 * @param aws keys of the provider's own, below `aws:`
 */
export async function problemsOf(
  config: Readonly<Record<string, unknown>>,
  aws: Readonly<Record<string, string>> = { region: "us-east-1" },
): Promise<string[]> {
  const given = Object.entries({ ...valid, ...config }).filter(([, value]) => value !== undefined);
  const provider = Object.entries(aws).map(([key, value]) => [`aws:${key}`, value]);
  const raw = { ...rawConfig(Object.fromEntries(given)), ...Object.fromEntries(provider) };
  try {
    await readSettings(raw, { project: "lab1", stack: "dev" }, { aws: { rules: async () => rules } });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((line) => line.replace("switchyard:", ""));
    throw error;
  }
  return [];
}
