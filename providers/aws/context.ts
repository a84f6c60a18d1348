import * as pulumi from "@pulumi/pulumi";
import { RunError } from "@pulumi/pulumi/errors.js";
import type { Labels } from "../../components/cloud.ts";
import type { SubnetSettings } from "../../config/settings.ts";
import type { NameRole } from "./config.ts";

/** What every part of a deployment shares. */
export interface AwsContext extends Labels {
  readonly region: string;
  /** Of the operator's AWS configuration; absent: whatever the environment says. */
  readonly profile?: string;
}

/** Settings of the AWS provider that the upload of runtimes would not heed; it takes the environment's credentials. */
const unheeded = [
  "accessKey",
  "secretKey",
  "token",
  "assumeRoles",
  "assumeRoleWithWebIdentity",
  "endpoints",
] as const;

/**
 * Reads what the AWS provider's own configuration says (`aws:region`, `aws:profile`).
 * @throws RunError when the region is missing or not supported, or credentials stand in the configuration
 */
export function openContext({ project, names, tags }: Labels): AwsContext {
  const config = new pulumi.Config("aws");
  const region = config.get("region");
  if (!region) {
    throw new RunError(
      "aws:region is missing: say where to deploy, such as pulumi config set aws:region us-east-1",
    );
  }
  if (region.startsWith("cn-")) {
    throw new RunError(
      `aws:region is ${region}: regions in China are not supported, because machines fetch from amazonaws.com; choose another`,
    );
  }
  const wrong = unheeded.filter((key) => config.get(key) !== undefined);
  if (wrong.length > 0) {
    throw new RunError(
      `${wrong.map((key) => `aws:${key}`).join(", ")} cannot stand in this stack's configuration, because not every part of a deployment would heed it: give credentials by environment variables, or by a profile and aws:profile`,
    );
  }
  const profile = config.get("profile");
  return { project, names, tags, region, ...(profile && { profile }) };
}

/** @throws RunError when a subnet's zone is in another region than the one that is deployed to */
export function checkZones({ region }: AwsContext, subnets: readonly SubnetSettings[]): void {
  for (const [index, { zone }] of subnets.entries()) {
    if (zone?.startsWith(region)) continue;
    throw new RunError(
      `switchyard:network.subnets[${index}].zone is ${JSON.stringify(zone)}, which is no zone of aws:region, ${region}: change one of the two`,
    );
  }
}

/** The tags of a resource; `part` is what follows the project's name in its `Name`. Some kinds have no use for one. */
export function tagsOf({ project, tags }: AwsContext, part?: string): Record<string, string> {
  return { ...tags, project_name: project, ...(part !== undefined && { Name: `${project}-${part}` }) };
}

/** The exact name that the configuration asks for, if it does; otherwise Pulumi makes one. */
export function nameOf({ names }: AwsContext, role: NameRole): string | undefined {
  return names[role];
}

/** A resource whose name is given goes before its replacement comes, because two cannot have one name. */
export function replacementOf(context: AwsContext, role: NameRole): { deleteBeforeReplace?: true } {
  return nameOf(context, role) === undefined ? {} : { deleteBeforeReplace: true };
}
