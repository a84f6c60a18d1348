import * as pulumi from "@pulumi/pulumi";
import type { Labels } from "../../components/cloud.ts";
import type { Settings } from "../../config/settings.ts";
import type { NameRole } from "./names.ts";

/** What every part of a deployment shares. */
export interface AwsContext extends Labels {
  readonly region: string;
  /** Of the operator's AWS configuration; absent: whatever the environment says. */
  readonly profile?: string;
  /** ARN of the policy that bounds every role. */
  readonly permissionsBoundary?: string;
}

/** Reads what the AWS provider's own configuration says (`aws:region`, `aws:profile`), which the rules have checked. */
export function openContext({ project, names, tags, permissionsBoundary }: Settings): AwsContext {
  const config = new pulumi.Config("aws");
  const region = config.require("region");
  const profile = config.get("profile");
  return {
    project,
    names,
    tags,
    region,
    ...(profile && { profile }),
    ...(permissionsBoundary && { permissionsBoundary }),
  };
}

/** The tags of a resource; `part` is what follows the project's name in its `Name`. Some kinds have no use for one. */
export function tagsOf({ project, tags }: AwsContext, part?: string): Record<string, string> {
  return { ...tags, project_name: project, ...(part !== undefined && { Name: `${project}-${part}` }) };
}

/** The exact name that the configuration asks for, if it does; otherwise Pulumi makes one. */
export function nameOf({ names }: AwsContext, role: NameRole): string | undefined {
  return names[role];
}
