import * as pulumi from "@pulumi/pulumi";
import type { Labels } from "../../components/cloud.ts";
import type { OpenstackSettings, Settings } from "../../config/settings.ts";
import type { NameRole } from "./names.ts";

/** What every part of a deployment shares. */
export interface OpenstackContext extends Labels {
  /** Keystone's URL, `/v3` at its end. */
  readonly authUrl: string;
  readonly region: string;
  /** What the cloud calls its parts, which the rules have checked. */
  readonly cloud: OpenstackSettings;
  /** All of the configuration: what machines are named for is a part of it. */
  readonly settings: Settings;
}

/** Reads the provider's own configuration (`openstack:authUrl`, `openstack:region`), which the rules have checked. */
export function openContext(settings: Settings): OpenstackContext {
  const { project, names, tags, openstack } = settings;
  if (!openstack) throw new Error("switchyard:openstack is missing, and the rules have let that pass");
  const provider = new pulumi.Config("openstack");
  const authUrl = keystoneUrl(provider.require("authUrl"));
  return { project, names, tags, authUrl, region: provider.require("region"), cloud: openstack, settings };
}

/** Keystone's URL with its version, whether or not it was given with it. */
export function keystoneUrl(authUrl: string): string {
  return `${authUrl.replace(/\/+(v3\/*)?$/, "")}/v3`;
}

/** Tags as Neutron and Octavia have them, each one text: `owner=me`. */
export function tagsOf({ project, tags }: OpenstackContext): string[] {
  return Object.entries({ ...tags, project_name: project }).map(([tag, value]) => `${tag}=${value}`);
}

/** The same as Nova and Swift have them; `more` are tags of the resource's own. */
export function metadataOf(
  { project, tags }: OpenstackContext,
  more: Settings["tags"] = {},
): Record<string, string> {
  return { ...tags, ...more, project_name: project };
}

/** The exact name that the configuration asks for, if it does; otherwise Pulumi makes one. */
export function nameOf({ names }: OpenstackContext, role: NameRole): string | undefined {
  return names[role];
}

/** What a resource is called in the program, when it has a name of its own: with another name it is another resource. */
export function logicalName(name: string, given: string | undefined): string {
  return given === undefined ? name : `${name}-${given}`;
}
