import * as pulumi from "@pulumi/pulumi";
import type { Labels } from "../../components/cloud.ts";
import type { IdentitySettings, Settings } from "../../config/settings.ts";
import type { Apis } from "./apis.ts";
import { labelsFrom } from "./labels.ts";
import type { NameRole } from "./names.ts";
import { regionOf } from "./zones.ts";

/** What every part of a deployment shares. */
export interface GcpContext extends Labels {
  /** The Google Cloud project, by its id; `project` is Switchyard's. */
  readonly gcpProject: string;
  readonly region: string;
  readonly apis: Apis;
  /** Accounts that were made beforehand. */
  readonly identities?: IdentitySettings;
}

/** Reads the provider's own configuration (`gcp:project`) and the zones' region, which the rules have checked. */
export function openContext({ project, names, tags, network, identities }: Settings, apis: Apis): GcpContext {
  const gcpProject = new pulumi.Config("gcp").require("project");
  const region = regionOf(network) ?? "";
  return { project, names, tags, gcpProject, region, apis, ...(identities && { identities }) };
}

/** The labels of a resource, of the stack's tags and the project's name; `more` are tags of its own. */
export function labelsOf({ project, tags }: GcpContext, more: Settings["tags"] = {}): Record<string, string> {
  return { ...labelsFrom({ ...tags, ...more }), project_name: project };
}

/** The exact name that the configuration asks for, if it does; otherwise Pulumi makes one. */
export function nameOf({ names }: GcpContext, role: NameRole): string | undefined {
  return names[role];
}

/** What a resource is called in the program, when it has a name of its own: with another name it is another resource. */
export function logicalName(name: string, given: string | undefined): string {
  return given === undefined ? name : `${name}-${given}`;
}
