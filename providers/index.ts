import type { Cloud, CloudModule } from "../components/cloud.ts";
import { readSettings } from "../config/read.ts";
import type { CloudName, Settings } from "../config/settings.ts";

/** The clouds that are built; only the selected one is loaded. */
const clouds: Partial<Record<CloudName, () => Promise<CloudModule>>> = {
  aws: () => import("./aws/index.ts"),
  local: () => import("./local/index.ts"),
};

/**
 * Reads and checks a stack's configuration, and opens the cloud that it names.
 *
 * @param raw every configuration value, as `pulumi.runtime.allConfig()` gives them
 * @param where the Pulumi project's name, the default of `switchyard:project`, and the stack's
 * @throws ConfigError that lists everything wrong with the configuration, before any resource is made
 */
export async function openCloud(
  raw: Readonly<Record<string, string>>,
  where: { readonly project: string; readonly stack: string },
): Promise<{ cloud: Cloud; settings: Settings }> {
  const secretKeys = new Set<string>(JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]"));
  const settings = await readSettings(raw, where, clouds, secretKeys);
  const module = await clouds[settings.cloud]?.();
  if (!module) throw new Error(`the cloud "${settings.cloud}" is not built`);
  return { cloud: module.createCloud(settings), settings };
}
