import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { permissions as aws } from "../../bootstrap/aws/permissions.ts";
import { permissions as gcp } from "../../bootstrap/gcp/permissions.ts";
import { permissions as openstack } from "../../bootstrap/openstack/permissions.ts";
import { judge, policyOf } from "../../plan/policy/run.ts";
import { taggable as awsTypes } from "../../providers/aws/policy.ts";
import { taggable as gcpTypes } from "../../providers/gcp/policy.ts";
import { clouds } from "../../providers/index.ts";
import { taggable as openstackTypes } from "../../providers/openstack/policy.ts";
import { typesOf } from "../bootstrap/plans.ts";
import { planExample, planStack, type StackPlan } from "../support/plan.ts";
import { projectRoot } from "../support/project.ts";

/** The stack files; what is TypeScript has tests of its own. */
const examples = readdirSync(join(projectRoot, "examples"))
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => basename(file, ".yaml"));
const names = [...Object.keys(clouds), ...examples];
const everybody = "0.0.0.0/0";

const plans = new Map<string, StackPlan>();
const planOf = (name: string) => plans.get(name) as StackPlan;

beforeAll(async () => {
  const waiting = [...names];
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      plans.set(name, await (Object.hasOwn(clouds, name) ? planStack(name) : planExample(name)));
  };
  await Promise.all([work(), work()]);
}, 300_000);

test.each(examples)("the example %s can be deployed", (name) => {
  const { document, diagnostics } = planOf(name);
  expect(document.changeSummary.create).toBeGreaterThan(30);
  expect(diagnostics).toEqual([]);
});

test("the stack file for AWS opens nothing to everybody, and no SSH", () => {
  const rules = planOf("aws")
    .byType("SecurityGroupIngressRule")
    .map(({ inputs }) => inputs);
  expect(rules.length).toBeGreaterThan(1);
  expect(rules.filter((rule) => rule?.cidrIpv4 === everybody || rule?.toPort === 22)).toEqual([]);
});

test.each(names)("the stack %s breaks no rule, and makes none milder", async (name) => {
  const { document } = planOf(name);
  const policy = await policyOf(document.config, { project: "switchyard", stack: name }, clouds);
  expect(judge(document, policy)).toEqual([]);
  expect(policy.settings.policy).toEqual([]);
});

test("rules look at each type that can have tags, and at none that cannot", () => {
  const known = new Set([...awsTypes, ...gcpTypes, ...openstackTypes]);
  const types = new Set([...plans.values()].flatMap(({ resources }) => resources.map(({ type }) => type)));
  const ofSdks = [...types].filter((type) => /^(aws|gcp|openstack):/.test(type)).sort();
  expect(ofSdks.length).toBeGreaterThan(50);
  expect(ofSdks.filter((type) => known.has(type))).toEqual(ofSdks.filter(canHaveTags));
});

test("who deploys has rights for each type", () => {
  const known = new Set([aws, gcp, openstack].flatMap((table) => Object.keys(table)));
  const types = new Set(
    names.filter((name) => !/^local/.test(name)).flatMap((name) => typesOf(planOf(name))),
  );
  expect(types.size).toBeGreaterThan(20);
  expect([...types].filter((type) => !known.has(type))).toEqual([]);
});

/** Nova's tags are metadata, which a rule looks at; Cloud Armor's policies could have labels, and have none. */
const otherwise = new Set([
  "openstack:compute/instance:Instance",
  "gcp:compute/securityPolicy:SecurityPolicy",
]);

/** Whether the SDK's declarations of what a type takes have tags, or labels. */
function canHaveTags(type: string): boolean {
  const [sdk = "", path = ""] = type.split(":");
  const [folder = "", file = ""] = path.split("/");
  const place = join(projectRoot, "node_modules/@pulumi", sdk, folder);
  const found = readdirSync(place).find((name) => name.toLowerCase() === `${file.toLowerCase()}.d.ts`);
  const source = readFileSync(join(place, found ?? file), "utf8");
  const taken = source.slice(source.search(/export interface \w+Args/));
  return !otherwise.has(type) && /^ {4}(tags|labels)\?: /m.test(taken);
}
