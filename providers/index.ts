import type { Cloud } from "../components/cloud.ts";
import { readSettings } from "../config/read.ts";
import type { Settings } from "../config/settings.ts";
import type { CloudFolder } from "./cloud-folder.ts";
import * as exported from "./clouds.ts";

/** Every cloud by its name, as `switchyard:cloud` has it. */
export const clouds: Readonly<Record<string, CloudFolder>> = { ...exported };

/** A deployed stack's cloud. @throws when there is none of that name (any more) */
export function cloudNamed(name: string): CloudFolder {
  const cloud = Object.hasOwn(clouds, name) ? clouds[name] : undefined;
  if (cloud) return cloud;
  throw new Error(`there is no cloud ${JSON.stringify(name)}; there are: ${Object.keys(clouds).join(", ")}`);
}

/**
 * Reads and checks a stack's configuration, and opens the cloud that it names. Only that one is loaded. The environment's
 * `SWITCHYARD_RELEASE` stands in place of `switchyard:release`, for one deployment.
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
  const { SWITCHYARD_RELEASE: release } = process.env;
  const configured = release ? { ...raw, "switchyard:release": release } : raw;
  const settings = await readSettings(configured, where, clouds, secretKeys);
  const { createCloud } = await cloudNamed(settings.cloud).program();
  return { cloud: createCloud(settings), settings };
}
