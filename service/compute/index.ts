import { type Environment, matching, oneOf, readVariables, type Variable } from "../settings/variables.ts";
import { type KeystoneSettings, readKeystoneSettings } from "../storage/settings.ts";
import type { Compute } from "./compute.ts";
import { readTemplate, type Template } from "./openstack/template.ts";

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
    }
  | (KeystoneSettings & {
      readonly COMPUTE: "openstack";
      /** What extra machines are made of; a secret. */
      readonly PEAK_TEMPLATE: Template;
      /** The machine's id. */
      readonly INSTANCE_ID: string;
    });

type Variables = Readonly<Record<string, Variable<unknown>>>;

const variables: Readonly<Record<ComputeSettings["COMPUTE"], Variables>> = {
  local: { IDENTITY_URL: { ...matching(/^https?:\/\/[^\s/]+\S*$/, "an http or https URL"), secret: true } },
  gcp: {
    COMPUTE_PROJECT: matching(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "a project's id"),
    COMPUTE_REGION: matching(/^[a-z0-9-]{1,40}$/, "a region such as europe-west6"),
  },
  openstack: {
    PEAK_TEMPLATE: { parse: readTemplate, allowed: "gzipped JSON in base64", secret: true },
    INSTANCE_ID: matching(/\S/),
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
  const settings = readVariables(environment, {
    COMPUTE: oneOf(clouds),
    ...(selected && variables[selected]),
  });
  const login = selected === "openstack" && readKeystoneSettings(environment);
  return { ...settings, ...login } as unknown as ComputeSettings;
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
    case "openstack": {
      const { COMPUTE: _, PEAK_TEMPLATE: template, INSTANCE_ID: self, ...login } = settings;
      return (await import("./openstack.ts")).openOpenstackCompute({ login, template, self, images });
    }
  }
}
