import * as pulumi from "@pulumi/pulumi";
import { partitionOf } from "../../providers/aws/machine-role.ts";
import type { Bootstrap } from "../config.ts";
import { boundaryStatements } from "./boundary.ts";
import { deployStatements, documentsOf, previewStatements, type State } from "./policies.ts";
import { OpenIdConnectProvider, Policy, Provider, Role, RolePolicyAttachment } from "./resources.ts";
import type { Place, Statement } from "./scopes.ts";

const issuer = "token.actions.githubusercontent.com";
const audience = "sts.amazonaws.com";

/** What is deployed, in AWS's words. */
export function placeOf({ name, account = "", settings, stackConfig }: Bootstrap): Place {
  const { project, names, bucket, permissionsBoundary } = settings;
  const region = stackConfig["aws:region"] ?? "";
  const partition = partitionOf(region);
  const { encryptionKey } = bucket;
  return {
    partition,
    region,
    account,
    project,
    names,
    boundary: permissionsBoundary ?? `arn:${partition}:iam::${account}:policy/${name}-machines`,
    ...(encryptionKey !== undefined && { encryptionKey }),
  };
}

/** Where the deployed stack's state is, if that is in S3. */
export function stateOf({ state, stateKey }: Bootstrap): State | undefined {
  if (state?.protocol !== "s3:") return undefined;
  const folder = state.pathname.replace(/^\/+|\/+$/g, "");
  return {
    bucket: state.hostname,
    folder: folder === "" ? "" : `${folder}/`,
    ...(stateKey !== undefined && { key: stateKey }),
  };
}

/**
 * Makes a role that deploys, one that previews, the trust of GitHub's workflows in them, and the boundary of the roles that
 * are made in deployments.
 */
export function makeDeployer(bootstrap: Bootstrap) {
  const { name, account = "", repository = "", environments, settings } = bootstrap;
  const place = placeOf(bootstrap);
  const { partition, region, boundary } = place;
  const iam = (resource: string) => `arn:${partition}:iam::${account}:${resource}`;
  // Who administers another account, by oversight, makes nothing there.
  const provider = new Provider("aws", {
    region,
    allowedAccountIds: [account],
  });
  const tags = { project_name: settings.project, Name: name };
  const own = { provider };
  const trusted = trustedProvider(bootstrap, own);

  const boundaryOfOwn = `${name}-machines`;
  if (boundary === iam(`policy/${boundaryOfOwn}`)) {
    const policy = boundaryStatements(place).apply(onlyDocument);
    new Policy(boundaryOfOwn, { name: boundaryOfOwn, policy, tags }, own);
    if (settings.permissionsBoundary === undefined)
      pulumi.log.warn(
        `Put switchyard:permissionsBoundary: ${boundary} into Pulumi.${bootstrap.stack}.yaml: without it the new role may make no role for machines.`,
      );
  }

  const makeRole = (part: "deploy" | "preview", does: string, statements: readonly Statement[]) => {
    const subject = `repo:${repository}:environment:${environments[part]}`;
    const called = `${name}-${part}`;
    const description = `${does} ${bootstrap.stack} for ${subject}`;
    const assumeRolePolicy = trusted.apply((arn) => trust(arn, subject));
    const role = new Role(called, { name: called, description, assumeRolePolicy, tags }, own);
    for (const [place, policy] of documentsOf(statements).entries()) {
      const { arn: policyArn } = new Policy(`${called}-${place + 1}`, { policy, tags }, own);
      new RolePolicyAttachment(`${called}-${place + 1}`, { role: role.name, policyArn }, own);
    }
    return role.arn;
  };
  const itself = [
    ...["deploy", "preview"].map((part) => iam(`role/${name}-${part}`)),
    iam(`policy/${name}-*`),
    iam(`oidc-provider/${issuer}`),
  ];
  const state = stateOf(bootstrap);
  const roles = {
    deploy: makeRole("deploy", "Deploys", deployStatements(place, itself, state)),
    preview: makeRole("preview", "Previews", previewStatements(place, state)),
  };
  return {
    environments: {
      [environments.deploy]: { AWS_ROLE: roles.deploy, AWS_REGION: region },
      [environments.preview]: { AWS_ROLE: roles.preview, AWS_REGION: region },
    },
    stackConfig: { "switchyard:permissionsBoundary": boundary },
    oidcProvider: trusted,
  };
}

/** @throws when there would have to be two: a role has one boundary */
function onlyDocument(statements: readonly Statement[]): string {
  const [document = "", ...more] = documentsOf(statements);
  if (more.length > 0) throw new Error("the boundary of machines' roles is longer than a policy may be");
  return document;
}

/** The account's provider for GitHub, of which there can be one alone: the one that is there, or a new one. */
function trustedProvider(
  { oidcProvider }: Bootstrap,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  if (oidcProvider !== undefined) return pulumi.output(oidcProvider);
  const { arn } = new OpenIdConnectProvider(
    "github",
    { url: `https://${issuer}`, clientIdLists: [audience] },
    // Others of the account may have come to trust it, too.
    { ...opts, protect: true },
  );
  return arn;
}

/** Who may take a role: this subject alone (https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws). */
function trust(provider: string, subject: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "Workflow",
        Effect: "Allow",
        Principal: { Federated: provider },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: { StringEquals: { [`${issuer}:aud`]: audience, [`${issuer}:sub`]: subject } },
      },
    ],
  });
}
