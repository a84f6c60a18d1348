import { type Environment, matching, oneOf, readVariables, type Variable } from "../settings/variables.ts";
import type { Compute } from "./compute.ts";

/** Which cloud's groups the controller sets the sizes of; each field is the environment variable of its name. */
export type ComputeSettings =
  | {
      readonly COMPUTE: "local";
      /** The machine's identity; a secret. */
      readonly IDENTITY_URL: string;
    }
  | {
      readonly COMPUTE: "aws";
      readonly AWS_REGION: string;
    }
  | {
      readonly COMPUTE: "gcp";
      /** The project's id. */
      readonly COMPUTE_PROJECT: string;
      readonly COMPUTE_REGION: string;
    };

const variables: Readonly<Record<ComputeSettings["COMPUTE"], Readonly<Record<string, Variable<string>>>>> = {
  local: { IDENTITY_URL: { ...matching(/^https?:\/\/[^\s/]+\S*$/, "an http or https URL"), secret: true } },
  gcp: {
    COMPUTE_PROJECT: matching(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "a project's id"),
    COMPUTE_REGION: matching(/^[a-z0-9-]{1,40}$/, "a region such as europe-west6"),
  },
  aws: { AWS_REGION: matching(/^[a-z0-9-]{1,40}$/, "a region such as eu-west-1") },
};

/**
 * Reads which cloud it is, and what its client needs.
 * @throws {Error} whose message has a line for each variable that is missing or wrong
 */
export function readComputeSettings(environment: Environment): ComputeSettings {
  const clouds = Object.keys(variables) as ComputeSettings["COMPUTE"][];
  const selected = clouds.find((cloud) => cloud === environment.COMPUTE);
  return readVariables(environment, {
    COMPUTE: oneOf(clouds),
    ...(selected && variables[selected]),
  }) as unknown as ComputeSettings;
}

/**
 * Opens the selected cloud. Its file, and with it its SDK, is loaded by this call alone. No request is made yet.
 *
 * @param images the cloud's own images that schedules may name
 */
export async function openCompute(settings: ComputeSettings, images: readonly string[]): Promise<Compute> {
  switch (settings.COMPUTE) {
    case "local":
      return (await import("./local.ts")).openLocalCompute(settings.IDENTITY_URL);
    case "aws":
      return (await import("./aws.ts")).openAwsCompute({ region: settings.AWS_REGION, images });
    case "gcp":
      return (await import("./gcp.ts")).openGcpCompute({
        project: settings.COMPUTE_PROJECT,
        region: settings.COMPUTE_REGION,
        images,
      });
  }
}
