import * as pulumi from "@pulumi/pulumi";
import { RunError } from "@pulumi/pulumi/errors.js";
import type { Bootstrap } from "../config.ts";
import { makeMachineAccount } from "./machines.ts";
import {
  Account,
  AccountIamMember,
  BucketIAMMember,
  CryptoKeyIAMMember,
  IAMCustomRole,
  IAMMember,
  ProjectIAMMember,
  Provider,
  Service,
  WorkloadIdentityPool,
  WorkloadIdentityPoolProvider,
} from "./resources.ts";
import { deployRoles, type Place, previewRoles, type RoleSpec } from "./roles.ts";

const issuer = "https://token.actions.githubusercontent.com";

/** What is made here, and the exchange of GitHub's tokens, needs of Google's APIs. */
const apis = ["cloudresourcemanager", "iam", "iamcredentials", "serviceusage", "sts"];

/** The longest subject that Google maps, in characters (https://cloud.google.com/iam/docs/workload-identity-federation#mapping). */
const longestSubject = 127;

/** What is deployed, in Google's words. */
export function placeOf({ settings, stackConfig }: Bootstrap): Place {
  return { project: stackConfig["gcp:project"] ?? "", bucket: settings.names.bucket };
}

/** What Google's own roles of a state, a key and a billing account are called, by what may be done. */
const ownRoles = {
  deploy: {
    state: "roles/storage.objectUser",
    key: "roles/cloudkms.cryptoKeyEncrypterDecrypter",
    budget: "roles/billing.costsManager",
  },
  preview: {
    state: "roles/storage.objectViewer",
    key: "roles/cloudkms.cryptoKeyDecrypter",
    budget: "roles/billing.viewer",
  },
} as const;

type Part = keyof typeof ownRoles;

/**
 * Makes a service account that deploys, one that previews, the trust of GitHub's workflows in them, and the accounts of
 * machines and of the controller: whoever could make accounts and roles could have any right of the project.
 */
export function makeDeployer(bootstrap: Bootstrap) {
  const { name, stack, settings, environments, state, stateKey } = bootstrap;
  const place = placeOf(bootstrap);
  const { project } = place;
  const provider = new Provider("gcp", { project });
  const enabled = apis.map(
    (api) =>
      new Service(
        `api-${api}`,
        { service: `${api}.googleapis.com`, disableOnDestroy: false, project },
        { provider },
      ),
  );
  const own = { provider, dependsOn: enabled };
  const subjects = subjectsOf(bootstrap);
  const pool = new WorkloadIdentityPool(
    `${name}-github`,
    { workloadIdentityPoolId: `${name}-github`, displayName: `Deploys ${stack}`, project },
    own,
  );
  const trusted = new WorkloadIdentityPoolProvider(
    `${name}-github`,
    {
      workloadIdentityPoolId: pool.workloadIdentityPoolId,
      workloadIdentityPoolProviderId: "github",
      attributeMapping: { "google.subject": "assertion.sub" },
      attributeCondition: Object.values(subjects)
        .map((subject) => `assertion.sub == "${subject}"`)
        .join(" || "),
      oidc: { issuerUri: issuer },
      project,
    },
    own,
  );

  const makeAccount = (part: Part, displayName: string, roles: readonly RoleSpec[]) => {
    const accountId = `${name}-${part}`;
    const account = new Account(accountId, { accountId, displayName, project }, own);
    const { member } = account;
    const principal = pulumi.interpolate`principal://iam.googleapis.com/${pool.name}/subject/${subjects[part]}`;
    const federated = {
      serviceAccountId: account.name,
      role: "roles/iam.workloadIdentityUser",
      member: principal,
    };
    new IAMMember(`${accountId}-workflow`, federated, own);
    for (const { part, permissions, condition } of roles) {
      const roleId = `switchyard_${name.replaceAll("-", "_")}_${part}`;
      const args = { roleId, title: `${displayName}: ${part}`, permissions: [...permissions], project };
      const role = new IAMCustomRole(roleId, args, own).name;
      const limit = condition === undefined ? {} : { condition: { title: part, expression: condition } };
      new ProjectIAMMember(roleId, { project, role, member, ...limit }, own);
    }
    const { state: ofState, key, budget } = ownRoles[part];
    if (state?.protocol === "gs:")
      new BucketIAMMember(`${accountId}-state`, { bucket: state.hostname, role: ofState, member }, own);
    if (stateKey?.startsWith("projects/"))
      new CryptoKeyIAMMember(`${accountId}-key`, { cryptoKeyId: stateKey, role: key, member }, own);
    const billingAccountId = settings.budget?.billingAccount;
    if (billingAccountId !== undefined)
      new AccountIamMember(`${accountId}-budget`, { billingAccountId, role: budget, member }, own);
    return account;
  };
  const deploy = makeAccount("deploy", `Deploys ${stack}`, deployRoles(place));
  const preview = makeAccount("preview", `Previews ${stack}`, previewRoles(place));

  // Both, also for a stack without a controller: its configuration names it before there is one.
  const owners = ["machines", "controller"] as const;
  for (const owner of owners) {
    const account = makeMachineAccount(`${name}-${owner}`, owner, project, own);
    // Of these accounts alone can machines be started.
    const role = "roles/iam.serviceAccountUser";
    new IAMMember(
      `${name}-deploy-as-${owner}`,
      { serviceAccountId: account.name, role, member: deploy.member },
      own,
    );
  }
  const identities = Object.fromEntries(
    owners.map((owner) => [owner, `${name}-${owner}@${project}.iam.gserviceaccount.com`]),
  );
  if (JSON.stringify(settings.identities ?? {}) !== JSON.stringify(identities))
    pulumi.log.warn(
      `Put switchyard:identities: ${JSON.stringify(identities)} into Pulumi.${stack}.yaml: without it a deployment makes accounts, which the new one may not.`,
    );
  return {
    environments: {
      [environments.deploy]: { GCP_PROVIDER: trusted.name, GCP_ACCOUNT: deploy.email },
      [environments.preview]: { GCP_PROVIDER: trusted.name, GCP_ACCOUNT: preview.email },
    },
    stackConfig: { "switchyard:identities": identities },
  };
}

/** Whom GitHub's tokens are for. @throws when Google would refuse a token for its length */
function subjectsOf({ repository = "", environments }: Bootstrap): Record<Part, string> {
  const subject = (environment: string) => `repo:${repository}:environment:${environment}`;
  const subjects = { deploy: subject(environments.deploy), preview: subject(environments.preview) };
  for (const one of Object.values(subjects))
    if (one.length > longestSubject)
      throw new RunError(
        `GitHub's subject ${one} has ${one.length} characters, and Google takes ${longestSubject}: set bootstrap:environment to a shorter name`,
      );
  return subjects;
}
