// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { permissions } from "../../bootstrap/gcp/permissions.ts";
import { deployRoles, previewRoles } from "../../bootstrap/gcp/roles.ts";
import { permissionsFor } from "../../bootstrap/permissions.ts";
import { policy } from "../../providers/gcp/policy.ts";
import { planStack, type StackPlan } from "../support/plan.ts";
import { projectRoot } from "../support/project.ts";
import { planBootstrap, typesOf, withoutSource } from "./plans.ts";

const email = (name: string) => `switchyard-gcp-${name}@switchyard.iam.gserviceaccount.com`;
const identities = { machines: email("machines"), controller: email("controller") };
const certificate = "projects/switchyard/global/sslCertificates/api";

/** A stack with all that there can be. */
const everything = {
  budget: { amount: 1, email: "me@example.org", billingAccount: "012345-6789AB-CDEF01" },
  controller: { allow: ["192.0.2.0/24"], flavors: { big: "large" } },
  loadBalancer: { port: 80, allow: ["192.0.2.0/24"], certificate, host: "api.example.org" },
  network: {
    cidr: "10.0.0.0/16",
    nat: "one",
    subnets: [{ cidr: "10.0.1.0/24", zone: "us-east1-b", private: true }],
  },
};

let plan: StackPlan;
/** By itself, and as the deployer may deploy it. */
let alone: StackPlan;
let deployed: StackPlan;

beforeAll(async () => {
  [plan, alone, deployed] = await Promise.all([
    planBootstrap("gcp", { "bootstrap:state": "gs://my-state" }),
    planStack("gcp", everything),
    planStack("gcp", { ...everything, identities }),
  ]);
}, 240_000);

const role = (id: string) => {
  const { inputs } = plan.get(`IAMCustomRole::${id}`);
  return (inputs?.permissions ?? []) as string[];
};

/** Where a role is granted, and under which condition. */
const grantOf = (id: string) => plan.get(`gcp:projects/iAMMember:IAMMember::${id}`).inputs ?? {};

describe("the table of permissions", () => {
  it("has each type that the program makes, no other, and a source of each", () => {
    expect(typesOf(alone)).toEqual(Object.keys(permissions).sort());
    expect(withoutSource(permissions)).toEqual([]);
  });

  it("has no right to make accounts, roles or grants: a deployment with identities makes none", () => {
    const all = permissionsFor(permissions, ["create", "read", "update", "delete"]);
    expect(all.filter((one) => /^(iam|resourcemanager|billing)\./.test(one))).toEqual([
      "resourcemanager.projects.get",
    ]);
    const types = typesOf(deployed).filter((type) => /projects\/iAM|serviceaccount/.test(type));
    expect(types).toEqual([]);
    expect(all.filter((one) => /setIamPolicy/.test(one))).toEqual(["storage.buckets.setIamPolicy"]);
  });
});

describe("what deploys", () => {
  it("has what the table says, in a role of the project, and one of its bucket alone", () => {
    const all = permissionsFor(permissions, ["create", "read", "update", "delete"]);
    const [project, bucket] = [
      role("switchyard_switchyard_gcp_deploy"),
      role("switchyard_switchyard_gcp_deploy_bucket"),
    ];
    expect([...project, ...bucket].sort()).toEqual(all);
    expect(project.filter((one) => one.startsWith("storage."))).toEqual(["storage.buckets.create"]);
    expect(grantOf("switchyard_switchyard_gcp_deploy")).not.toHaveProperty("condition");
    expect(grantOf("switchyard_switchyard_gcp_deploy_bucket").condition).toEqual({
      title: "deploy_bucket",
      expression: 'resource.name.startsWith("projects/_/buckets/switchyard-files-")',
    });
    const [bucketName] = alone.byType("gcp:storage/bucket:Bucket").map(({ urn }) => urn.split("::").at(-1));
    expect(`${bucketName}-0a1b2c3`).toMatch(/^switchyard-files-/);
    const [, given] = deployRoles({ project: "switchyard", bucket: "mine" });
    expect(given?.condition).toBe(
      'resource.name == "projects/_/buckets/mine" || resource.name.startsWith("projects/_/buckets/mine/")',
    );
  });

  it("starts machines of two accounts alone, which are not its own", () => {
    const acting = plan
      .byType("gcp:serviceaccount/iAMMember:IAMMember")
      .map(({ inputs = {} }) => inputs)
      .filter(({ role }) => role === "roles/iam.serviceAccountUser");
    expect(acting.map(({ serviceAccountId, member }) => [serviceAccountId, member])).toEqual(
      ["controller", "machines"].map((owner) => [
        `\${Account:switchyard-gcp-${owner}.name}`,
        "${Account:switchyard-gcp-deploy.member}",
      ]),
    );
  });

  it("has no right that is for everything", () => {
    const check = policy.checks["rights-narrow"];
    const one = typeof check === "string" ? undefined : check.one;
    for (const resource of plan.resources) expect(one?.(resource), resource.urn).toEqual([]);
  });
});

describe("machines and the controller", () => {
  it.each(["machines", "controller"] as const)(
    "have as %s the roles that a deployment grants on its bucket",
    (owner) => {
      const prefix = owner === "controller" ? "controller-" : "";
      const members = deployed
        .byType("BucketIAMMember")
        .map(({ inputs = {} }) => inputs)
        .filter(({ member }) => member === `serviceAccount:${identities[owner]}`);
      expect(members).toHaveLength(3);
      for (const { role: name, condition } of members) {
        const id = String(name).replace("projects/switchyard/roles/", "");
        const { title } = condition as { title: string };
        expect(role(`switchyard_switchyard_gcp_${owner}_${title.replace(prefix, "")}`)).toEqual(
          alone.get(`IAMCustomRole::${title}`).inputs?.permissions,
        );
        expect(id).toBe(`switchyard_switchyard_gcp_${owner}_${title.replace(prefix, "")}`);
      }
    },
  );

  /** As itself, of the account that it runs as, which whoever deploys may start machines of. */
  const asItself = ["iam.serviceAccounts.signBlob"];

  it("have no right that what deploys does not have", () => {
    const all = permissionsFor(permissions, ["create", "read", "update", "delete"]);
    const ofMachines = alone.byType("IAMCustomRole").flatMap(({ inputs }) => inputs?.permissions as string[]);
    expect(ofMachines.length).toBeGreaterThan(10);
    expect(ofMachines.filter((one) => !all.includes(one) && !asItself.includes(one))).toEqual([]);
    const made = plan
      .byType("IAMCustomRole")
      .filter(({ urn }) => /_(machines|controller)_/.test(urn))
      .flatMap(({ inputs }) => inputs?.permissions as string[]);
    expect(made.sort()).toEqual(ofMachines.sort());
  });
});

it("previews read, and nothing else; of the bucket's files only what deployments store", () => {
  const [project, bucket] = previewRoles({ project: "switchyard" });
  const all = [...(project?.permissions ?? []), ...(bucket?.permissions ?? [])];
  expect(all.length).toBeGreaterThan(20);
  expect(all.filter((one) => !/\.(get|list|getIamPolicy)$/.test(one))).toEqual([]);
  expect(bucket?.condition).toContain('resource.name.extract("/objects/{folder}/") == "releases"');
  expect(role("switchyard_switchyard_gcp_preview").sort()).toEqual(project?.permissions.toSorted());
});

it("trusts this repository's environment of a stack, and that of its previews, each with its account", () => {
  const subject = (environment: string) => `repo:example/switchyard:environment:${environment}`;
  expect(plan.get("WorkloadIdentityPoolProvider::switchyard-gcp-github").inputs).toMatchObject({
    attributeCondition: `assertion.sub == "${subject("gcp")}" || assertion.sub == "${subject("gcp-preview")}"`,
    oidc: { issuerUri: "https://token.actions.githubusercontent.com" },
  });
  for (const [part, environment] of [
    ["deploy", "gcp"],
    ["preview", "gcp-preview"],
  ] as const) {
    const { inputs } = plan.get(`gcp:serviceaccount/iAMMember:IAMMember::switchyard-gcp-${part}-workflow`);
    expect(inputs).toMatchObject({
      serviceAccountId: `\${Account:switchyard-gcp-${part}.name}`,
      role: "roles/iam.workloadIdentityUser",
      member: `principal://iam.googleapis.com/\${WorkloadIdentityPool:switchyard-gcp-github.name}/subject/${subject(environment)}`,
    });
  }
  expect(plan.outputs.stackConfig).toEqual({ "switchyard:identities": identities });
});

it("names its outputs as the workflows name their variables", () => {
  const workflows = ["deploy", "drift", "pull-request"].map((name) =>
    readFileSync(join(projectRoot, `.github/workflows/${name}.yml`), "utf8"),
  );
  const { environments } = plan.outputs as { environments: Record<string, Record<string, string>> };
  for (const name of [...Object.keys(environments.gcp ?? {}), "AWS_ROLE", "AWS_REGION"])
    for (const workflow of workflows) expect(workflow).toContain(`vars.${name} }}`);
});
