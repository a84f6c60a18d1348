import { type Environment, matching, oneOf, readVariables } from "../settings/variables.ts";
import type { Compute } from "./compute.ts";

/** Which cloud's groups the controller sets the sizes of; each field is the environment variable of its name. */
export interface ComputeSettings {
  readonly COMPUTE: "local";
  /** The machine's identity; a secret. */
  readonly IDENTITY_URL: string;
}

/**
 * Reads which cloud it is, and what its client needs.
 * @throws {Error} whose message has a line for each variable that is missing or wrong
 */
export function readComputeSettings(environment: Environment): ComputeSettings {
  const values = readVariables(environment, {
    COMPUTE: oneOf(["local"]),
    IDENTITY_URL: { ...matching(/^https?:\/\/[^\s/]+\S*$/, "an http or https URL"), secret: true },
  });
  return values as unknown as ComputeSettings;
}

/** Opens the selected cloud. Its file, and with it its SDK, is loaded by this call alone. No request is made yet. */
export async function openCompute(settings: ComputeSettings): Promise<Compute> {
  return (await import("./local.ts")).openLocalCompute(settings.IDENTITY_URL);
}
