import {
  ApplicationCredential,
  type ApplicationCredentialArgs,
} from "@pulumi/openstack/identity/applicationCredential.js";
import { Provider } from "@pulumi/openstack/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { RunError } from "@pulumi/pulumi/errors.js";
import type { Owner } from "../../providers/openstack/bucket.ts";
import { keystoneUrl } from "../../providers/openstack/context.ts";
import { callRules, containerRules, fetches, keeps } from "../../providers/openstack/identity.ts";
import type { Bootstrap } from "../config.ts";
import { operations } from "../permissions.ts";
import { containersOf, rulesFor } from "./rules.ts";

/**
 * Makes an application credential that deploys, one that previews, and those of machines and of the controller: one that may make
 * others could make one without limits. They are good for what the user who runs this may do in the project, within their roles and access rules.
 */
export function makeDeployer(bootstrap: Bootstrap) {
  const { name, stack, settings, stackConfig, environments, roles = "member,reader" } = bootstrap;
  const { openstack } = settings;
  if (!openstack) throw new Error("switchyard:openstack is missing, and the rules have let that pass");
  if (settings.controller && openstack.store === "swift" && settings.names.bucket === undefined)
    throw new RunError(
      `switchyard:names.bucket is missing in Pulumi.${stack}.yaml; name the container of files, because access rules tell it from the controller's, which begins like it, by its exact name alone`,
    );
  const { "openstack:authUrl": authUrl = "", "openstack:region": region = "" } = stackConfig;
  const provider = new Provider("openstack", { authUrl: keystoneUrl(authUrl), region });
  const make = (
    part: string,
    description: string,
    roles: readonly string[],
    rules: NonNullable<ApplicationCredentialArgs["accessRules"]>,
  ) =>
    new ApplicationCredential(
      `${name}-${part}`,
      {
        description,
        roles: [...roles],
        unrestricted: false,
        ...(openstack.accessRules && { accessRules: rules }),
      },
      { provider },
    );
  if (!openstack.accessRules)
    pulumi.log.warn(
      "openstack.accessRules is false: nothing but their roles limits what these credentials may do in the project.",
    );
  const deploy = make("deploy", `Deploys ${stack}`, roles.split(","), rulesFor(operations, settings));
  const preview = make("preview", `Previews ${stack}`, ["reader"], rulesFor(["read"], settings));
  const login = ({ id, secret }: ApplicationCredential) => ({
    OS_APPLICATION_CREDENTIAL_ID: id,
    OS_APPLICATION_CREDENTIAL_SECRET: pulumi.secret(secret),
  });
  const { documents, files, releases } = containersOf(settings);
  const onSwift = openstack.store === "swift";
  const makeOwn = (owner: Owner, roles: readonly string[]) => {
    const container = owner === "controller" ? documents : files;
    const grants = onSwift
      ? [
          { container: releases, ...fetches },
          { container, ...keeps[owner] },
        ]
      : [];
    const calls = owner === "controller" ? callRules() : [];
    const { id, secret } = make(owner, `${stack}: ${owner}`, roles, [...containerRules(grants), ...calls]);
    return { id, secret: pulumi.secret(secret) };
  };
  return {
    environments: { [environments.deploy]: login(deploy), [environments.preview]: login(preview) },
    stackConfig: {
      ...(onSwift && { "switchyard:openstack.credential": makeOwn("machines", openstack.roles) }),
      ...(settings.controller && {
        "switchyard:openstack.controllerCredential": makeOwn("controller", openstack.controllerRoles),
      }),
    },
  };
}
