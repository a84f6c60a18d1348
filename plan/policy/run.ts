import { type CloudLoaders, readSettings } from "../../config/read.ts";
import type { Settings } from "../../config/settings.ts";
import type { Plan } from "../plan.ts";
import { type GovernedCloud, openPolicy, type Policy, type Violation, violationsOf } from "./policy.ts";

export type GovernedClouds = Readonly<Record<string, GovernedCloud>> & CloudLoaders;

/** A stack's rules, and the configuration that they are of. */
export interface StackPolicy extends Policy {
  readonly settings: Settings;
}

/**
 * Opens the rules of the cloud that a configuration names.
 * @param config every value, as the program gets it
 * @throws ConfigError when the configuration is wrong
 */
export async function policyOf(
  config: Readonly<Record<string, string>>,
  where: { readonly project: string; readonly stack: string },
  clouds: GovernedClouds,
): Promise<StackPolicy> {
  const settings = await readSettings(config, where, clouds);
  const cloud = clouds[settings.cloud] as GovernedCloud;
  return { ...(await openPolicy(cloud, settings)), settings };
}

/** All that breaks a rule in a plan. */
export function judge(plan: Plan, policy: Policy): Violation[] {
  return violationsOf(
    policy,
    plan.steps.map(({ newState }) => newState),
  );
}
