// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { beforeAll, describe, expect, it } from "vitest";
import { permissions } from "../../bootstrap/aws/permissions.ts";
import { deployStatements, documentsOf, longestPolicy } from "../../bootstrap/aws/policies.ts";
import type { Statement } from "../../bootstrap/aws/scopes.ts";
import { wideStatements } from "../../providers/aws/policy-statements.ts";
import { isInstalled, serverPackages } from "../servers/cache.ts";
import { startMoto } from "../servers/moto.ts";
import { planStack, type StackPlan } from "../support/plan.ts";
import { planBootstrap, typesOf, withoutSource } from "./plans.ts";

const account = "123456789012";
const boundary = `arn:aws:iam::${account}:policy/switchyard-aws-machines`;
const key = `arn:aws:kms:us-east-1:${account}:key/0a1b2c3d-0000-4000-8000-0123456789ab`;
const stateKey = `arn:aws:kms:us-east-1:${account}:key/ffffffff-0000-4000-8000-0123456789ab`;
const sshKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example.org";

/** A stack with all that there can be. */
const everything = {
  sshKey,
  permissionsBoundary: boundary,
  budget: { amount: 1, email: "me@example.org" },
  bucket: { encryptionKey: key },
  controller: { allow: ["192.0.2.0/24"], flavors: { big: "large" } },
  clusters: [{ name: "app", min: 2, max: 4, path: "/app", scale: { cpu: 55 } }],
  loadBalancer: { port: 80, allow: ["192.0.2.0/24"], accessLogs: true },
  network: {
    cidr: "10.0.0.0/16",
    flowLogs: true,
    nat: "one",
    subnets: [
      { cidr: "10.0.1.0/24", zone: "us-east-1a" },
      { cidr: "10.0.2.0/24", zone: "us-east-1b" },
      { cidr: "10.0.11.0/24", zone: "us-east-1a", private: true },
    ],
  },
};

let deployed: StackPlan;
let plan: StackPlan;

beforeAll(async () => {
  [deployed, plan] = await Promise.all([
    planStack("aws", everything),
    planBootstrap("aws", {
      "bootstrap:state": "s3://my-state/switchyard?region=us-east-1",
      "bootstrap:stateKey": stateKey,
    }),
  ]);
}, 240_000);

const textOf = (name: string, of = plan) => String(of.get(name).inputs?.policy);
const policyNamed = (name: string) => textOf(`aws:iam/policy:Policy::switchyard-aws-${name}`);
const statementsOf = (text: string) => (JSON.parse(text) as { Statement: Statement[] }).Statement;
const policiesOf = (part: string) =>
  plan
    .byType("aws:iam/policy:Policy")
    .filter(({ urn }) => urn.includes(`::switchyard-aws-${part}`))
    .map(({ inputs }) => String(inputs?.policy));
const listed = (value: string | readonly string[]) => [value].flat();

/** Whether a pattern of IAM's covers another, or a name. */
function covers(pattern: string, name: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\/]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(name);
}

/** Whether some statement allows an action on a resource, under whatever condition. */
function allows(statements: readonly Statement[], action: string, resource: string): boolean {
  return statements.some(
    ({ Effect, Action, Resource }) =>
      Effect === "Allow" &&
      listed(Action).some((one) => covers(one, action)) &&
      listed(Resource).some((one) => covers(one, resource)),
  );
}

/** What a name of the plan, whose end is not known before, may come to be. */
const named = (resource: string) =>
  resource
    .replace("${files.arn}", `arn:aws:s3:::switchyard-${"0".repeat(26)}`)
    .replace(/\$\{Group:([\w-]+)\.name\}/, "$1-0000000")
    .replace(":us-east-1:*:", `:us-east-1:${account}:`);

/** Every action and resource of what a policy allows. */
function rightsOf(text: string): { action: string; resource: string }[] {
  return statementsOf(text).flatMap(({ Action, Resource }) =>
    listed(Action).flatMap((action) =>
      listed(Resource).map((resource) => ({ action, resource: named(resource) })),
    ),
  );
}

describe("the table of permissions", () => {
  it("has each type that the program makes, no other, and a source of each", () => {
    expect(typesOf(deployed)).toEqual(Object.keys(permissions).sort());
    expect(withoutSource(permissions)).toEqual([]);
  });

  it("tells of each type how it is read, unless it calls nothing or cannot be read", () => {
    const unread = Object.entries(permissions).filter(
      ([type, { read, source }]) => !read && source.startsWith("http") && type,
    );
    expect(unread).toEqual([]);
  });
});

describe("the names that rights are limited to", () => {
  const inputs = (name: string) => deployed.get(name).inputs ?? {};
  const all = () =>
    plan.byType("aws:iam/policy:Policy").flatMap(({ inputs }) => rightsOf(String(inputs?.policy)));

  it("are those that resources get", () => {
    for (const [name, action, resource] of [
      ["aws:iam/role:Role::machines", "iam:CreateRole", `arn:aws:iam::${account}:role/`],
      ["aws:iam/role:Role::controller", "iam:PassRole", `arn:aws:iam::${account}:role/`],
      ["InstanceProfile::machines", "iam:CreateInstanceProfile", `arn:aws:iam::${account}:instance-profile/`],
    ] as const) {
      const made = `${resource}${inputs(name).namePrefix}${"0".repeat(26)}`;
      expect(allows(policiesOf("deploy").flatMap(statementsOf), action, made), made).toBe(true);
    }
    for (const bucket of ["aws:s3/bucket:Bucket::files", "aws:s3/bucket:Bucket::logs"]) {
      const made = `arn:aws:s3:::${inputs(bucket).bucketPrefix}${"0".repeat(26)}`;
      expect(
        all().some(({ action, resource }) => action === "s3:CreateBucket" && covers(resource, made)),
      ).toBe(true);
    }
    const byName = (type: string) =>
      deployed.byType(type).map(({ urn }) => `${urn.split("::").at(-1)}-0000000`);
    const patterns = (action: string) =>
      all()
        .filter((one) => one.action === action)
        .map(({ resource }) => resource);
    for (const [type, action, arn] of [
      ["aws:sns/topic:Topic", "sns:CreateTopic", `arn:aws:sns:us-east-1:${account}:`],
      ["MetricAlarm", "cloudwatch:PutMetricAlarm", `arn:aws:cloudwatch:us-east-1:${account}:alarm:`],
      [
        "aws:lb/loadBalancer:LoadBalancer",
        "elasticloadbalancing:SetRulePriorities",
        `arn:aws:elasticloadbalancing:us-east-1:${account}:listener-rule/app/`,
      ],
    ] as const) {
      for (const name of byName(type)) {
        const made = `${arn}${name}${type.includes("lb/") ? "/0/0/0" : ""}`;
        expect(
          patterns(action).some((pattern) => covers(pattern, made)),
          made,
        ).toBe(true);
      }
    }
  });
});

describe("what deploys", () => {
  const statements = () => policiesOf("deploy").flatMap(statementsOf);

  it("is documents within IAM's limit, ten at most for a role", () => {
    const documents = policiesOf("deploy");
    expect(documents.length).toBeLessThanOrEqual(10);
    for (const text of [...documents, ...policiesOf("preview"), policyNamed("machines")])
      expect(text.length).toBeLessThanOrEqual(longestPolicy);
    const one = statements()[0] as Statement;
    const long = { ...one, Resource: Array(400).fill(String(one.Resource)) };
    expect(() => documentsOf([long])).toThrow(/the statement Make has \d+ characters, and may have 6144/);
  });

  it("allows nothing on everything but what knows no resources", () => {
    for (const { inputs } of plan.byType("aws:iam/policy:Policy")) expect(wideStatements(inputs)).toEqual([]);
    const policy = JSON.stringify({
      Statement: [{ Effect: "Allow", Action: "ec2:DeleteVpc", Resource: "*" }],
    });
    expect(wideStatements({ policy })).toHaveLength(1);
  });

  it("asks for this deployment's tag wherever names do not limit it", () => {
    const open = statements().filter(
      ({ Effect, Resource, Condition }) =>
        Effect === "Allow" &&
        Condition === undefined &&
        listed(Resource).some((resource) => /[/:]\*$/.test(resource) && !/switchyard/.test(resource)),
    );
    const said = ["ImageOfUbuntu", "OrderRules", "SeeAlarms", "State"];
    expect(open.map(({ Sid }) => Sid).filter((sid) => !said.includes(sid))).toEqual([]);
    const others = statements().filter(({ Sid }) => Sid === "Ours");
    expect(others[0]?.Condition).toEqual({
      StringEquals: { "aws:ResourceTag/project_name": "switchyard" },
    });
  });

  it("cannot change itself, its boundary, or whom the account trusts", () => {
    const own = [
      `arn:aws:iam::${account}:role/switchyard-aws-deploy`,
      `arn:aws:iam::${account}:role/switchyard-aws-preview`,
      `arn:aws:iam::${account}:policy/switchyard-aws-machines`,
      `arn:aws:iam::${account}:policy/switchyard-aws-deploy-1-0a1b2c3`,
      `arn:aws:iam::${account}:oidc-provider/token.actions.githubusercontent.com`,
    ];
    const denied = statements().filter(({ Effect }) => Effect === "Deny");
    for (const resource of own) {
      const allowed = statements()
        .filter(({ Effect }) => Effect === "Allow")
        .flatMap(({ Action }) => listed(Action))
        .filter((action) => action.startsWith("iam:") && allows(statements(), action, resource));
      expect(allowed, resource).toEqual([]);
      expect(denied.some(({ Resource }) => listed(Resource).some((one) => covers(one, resource)))).toBe(true);
    }
  });

  it("makes no role without the boundary, and passes roles to EC2 alone", () => {
    const conditions = (action: string) =>
      statements()
        .filter(({ Effect, Action }) => Effect === "Allow" && listed(Action).includes(action))
        .map(({ Condition }) => Condition);
    const bounded = [{ StringEquals: { "iam:PermissionsBoundary": boundary } }];
    for (const action of ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"])
      expect(conditions(action)).toEqual(bounded);
    expect(conditions("iam:PassRole")).toEqual([
      { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } },
    ]);
    for (const action of [
      "iam:UpdateAssumeRolePolicy",
      "iam:AttachRolePolicy",
      "iam:DeleteRolePermissionsBoundary",
    ])
      expect(conditions(action)).toEqual([]);
  });
});

describe("machines and the controller", () => {
  /** An agent's own channel to Systems Manager: it acts for the machine that it runs on, and for no other. */
  const ownAgent = /^ssm(messages)?:/;
  /** In the boundary of a stack with a key. */
  const ofKey: Statement = {
    Sid: "UseKey",
    Effect: "Allow",
    Action: ["kms:Decrypt", "kms:GenerateDataKey"],
    Resource: key,
  };

  it.each(["machines", "controller"])("get no right as %s that what deploys does not have", (name) => {
    const text = textOf(`RolePolicy::${name}`, deployed);
    const rights = rightsOf(text);
    expect(rights.length).toBeGreaterThan(8);
    const place = {
      partition: "aws",
      region: "us-east-1",
      account,
      project: "switchyard",
      names: {},
      boundary,
      encryptionKey: key,
    };
    const missing = rights.filter(
      ({ action, resource }) =>
        !ownAgent.test(action) && !allows(deployStatements(place, []), action, resource),
    );
    expect(missing).toEqual([]);
    const bound = [...statementsOf(policyNamed("machines")), ofKey];
    expect(rights.filter(({ action, resource }) => !allows(bound, action, resource))).toEqual([]);
  });
});

describe("what previews", () => {
  it("reads, and nothing else; of the bucket's files only what deployments store", () => {
    const statements = policiesOf("preview").flatMap(statementsOf);
    const actions = statements.flatMap(({ Action }) => listed(Action));
    const writing = actions.filter((action) => !/:(Describe|Get|List)/.test(action));
    expect(writing).toEqual(["kms:Decrypt"]);
    expect(statements.find(({ Action }) => listed(Action).includes("kms:Decrypt"))?.Resource).toBe(stateKey);
    const object = (name: string) => `arn:aws:s3:::switchyard-${"0".repeat(26)}/${name}`;
    expect(allows(statements, "s3:GetObject", object("releases/a.tar.gz"))).toBe(true);
    expect(allows(statements, "s3:GetObject", object("files/secret"))).toBe(false);
  });
});

it("trusts this repository's environment of a stack, and that of its previews, each with its role", () => {
  const subjects = ["deploy", "preview"].map((part) => {
    const { inputs } = plan.get(`aws:iam/role:Role::switchyard-aws-${part}`);
    return JSON.parse(String(inputs?.assumeRolePolicy)).Statement;
  });
  expect(subjects).toEqual(
    ["aws", "aws-preview"].map((environment) => [
      {
        Sid: "Workflow",
        Effect: "Allow",
        Principal: { Federated: "${OpenIdConnectProvider:github.arn}" },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: {
          StringEquals: {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": `repo:example/switchyard:environment:${environment}`,
          },
        },
      },
    ]),
  );
  expect(plan.outputs.environments).toMatchObject({
    aws: { AWS_REGION: "us-east-1" },
    "aws-preview": { AWS_REGION: "us-east-1" },
  });
  expect(plan.diagnostics.join()).toContain(`Put switchyard:permissionsBoundary: ${boundary} into`);
});

describe.skipIf(!isInstalled(serverPackages.aws))("moto's IAM", () => {
  it("takes each policy, and refuses one that is none", async () => {
    const moto = await startMoto();
    const put = async (PolicyName: string, PolicyDocument: string) => {
      const body = new URLSearchParams({
        Action: "CreatePolicy",
        Version: "2010-05-08",
        PolicyName,
        PolicyDocument,
      });
      const credential = "Credential=test/20260101/us-east-1/iam/aws4_request";
      const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=0`;
      const response = await fetch(moto.endpoint, { method: "POST", headers: { authorization }, body });
      return `${response.status} ${response.ok ? "" : await response.text()}`.trim();
    };
    try {
      for (const [place, { inputs }] of plan.byType("aws:iam/policy:Policy").entries())
        expect(await put(`policy-${place}`, String(inputs?.policy))).toBe("200");
      expect(await put("none", policyNamed("preview-1").replace('"Allow"', '"Let"'))).toMatch(/^400/);
    } finally {
      await moto.stop();
    }
  });
});
