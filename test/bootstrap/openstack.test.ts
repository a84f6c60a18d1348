// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { permissions } from "../../bootstrap/openstack/permissions.ts";
import { type AccessRule, rulesFor } from "../../bootstrap/openstack/rules.ts";
import { operations } from "../../bootstrap/permissions.ts";
import { cloud } from "../providers/openstack/problems.ts";
import { planStack, type StackPlan } from "../support/plan.ts";
import { projectRoot } from "../support/project.ts";
import { planBootstrap, typesOf, withoutSource } from "./plans.ts";

const sshKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example.org";
const everything = {
  sshKey,
  clusters: [{ name: "app", min: 2, machineType: "large", path: "/app" }],
  machines: undefined,
  controller: { allow: ["192.0.2.0/24"], flavors: { big: "large" } },
};

let plan: StackPlan;
let swift: StackPlan;
let s3: StackPlan;

beforeAll(async () => {
  const endpoint = "https://rgw.example.org";
  [plan, swift, s3] = await Promise.all([
    planBootstrap("openstack"),
    planStack("openstack", { ...everything, openstack: { ...cloud, flavors: "create" } }),
    planStack("openstack", {
      openstack: { ...cloud, store: "s3", s3: { endpoint, createCredential: true } },
    }),
  ]);
}, 240_000);

const rulesOf = (part: string) =>
  (plan.get(`ApplicationCredential::switchyard-openstack-${part}`).inputs?.accessRules ?? []) as AccessRule[];
const textOf = ({ method, service, path }: AccessRule) => `${method} ${service} ${path}`;

describe("the table of access rules", () => {
  it("has each type that the program makes, no other, and a source of each", () => {
    const types = new Set([...typesOf(swift), ...typesOf(s3)]);
    expect([...types].sort()).toEqual(Object.keys(permissions).sort());
    expect(withoutSource(permissions)).toEqual([]);
  });

  it("lets nobody make credentials", () => {
    const all = rulesFor(operations, { project: "lab", names: {} });
    expect(all.filter(({ service }) => service === "identity")).toEqual([]);
    for (const part of ["deploy", "preview", "machines"])
      expect(plan.get(`ApplicationCredential::switchyard-openstack-${part}`).inputs?.unrestricted).toBe(
        false,
      );
  });
});

/** Whether a service lets a call through, as keystonemiddleware reads rules. */
function covers(rules: readonly AccessRule[], { method, service, path }: AccessRule): boolean {
  return rules.some((rule) => {
    const pattern = rule.path
      .replace(/[.+?^$()|[\]\\]/g, "\\$&")
      .replace(/\*\*|\*/g, (stars) => (stars === "**" ? ".*" : "[^/]+"));
    return rule.method === method && rule.service === service && new RegExp(`^${pattern}$`).test(path);
  });
}

/** A call that a rule lets through. */
const callOf = (rule: AccessRule): AccessRule => ({
  ...rule,
  path: rule.path.replace("/**/", "/v2/").replaceAll(/\*\*|\*/g, "0a1b2c3"),
});

it("machines' rules are those that a deployment gives them, and within those of what deploys", () => {
  const { inputs } = swift.get("ApplicationCredential::switchyard-machines");
  const planned = ((inputs?.accessRules ?? []) as AccessRule[]).map(textOf);
  const own = rulesOf("machines").map(textOf);
  expect(own).toEqual(
    planned.map((rule) =>
      rule
        .replace(/\$\{[^}]*releases[^}]*\}/, "switchyard-releases-*")
        .replace(/\$\{[^}]*files[^}]*\}/, "switchyard-files-*"),
    ),
  );
  expect(own.length).toBeGreaterThan(6);
  const deployers = rulesOf("deploy");
  expect(rulesOf("machines").filter((rule) => !covers(deployers, callOf(rule)))).toEqual([]);
  expect(covers(deployers, { method: "PUT", service: "object-store", path: "/v1/a/another" })).toBe(false);
});

describe("a stack with a controller", () => {
  const example = join(projectRoot, "examples/openstack-peak-hours.yaml");

  it("must name the container of files, which begins like the controller's", async () => {
    await expect(planBootstrap("openstack", { "bootstrap:file": example })).rejects.toThrow(
      "switchyard:names.bucket is missing in Pulumi.openstack.yaml; name the container of files",
    );
  });

  it("has a credential of the controller's, within what deploys, and machines keep off its document", async () => {
    const folder = await mkdtemp(join(tmpdir(), "switchyard-bootstrap-"));
    try {
      const file = join(folder, "peak.yaml");
      await writeFile(file, `${await readFile(example, "utf8")}  switchyard:names:\n    bucket: office\n`);
      const peak = await planBootstrap("openstack", { "bootstrap:file": file });
      const of = (part: string) =>
        (peak.get(`ApplicationCredential::switchyard-openstack-${part}`).inputs?.accessRules ??
          []) as AccessRule[];
      const [deploy, controller] = [of("deploy"), of("controller")];
      expect(controller.length).toBeGreaterThan(20);
      expect(controller.filter((rule) => !covers(deploy, callOf(rule)))).toEqual([]);
      const document = {
        method: "GET",
        service: "object-store",
        path: "/v1/AUTH_1/office-controller/schedules.json",
      };
      expect([deploy, controller, of("machines"), of("preview")].map((one) => covers(one, document))).toEqual(
        [true, true, false, false],
      );
      expect(peak.outputs.stackConfig).toMatchObject({
        "switchyard:openstack.credential": { secret: "[secret]" },
        "switchyard:openstack.controllerCredential": { secret: "[secret]" },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

it("previews read, as a reader, and no object of the files", () => {
  const rules = rulesOf("preview");
  expect(rules.length).toBeGreaterThan(20);
  expect(rules.filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
  expect(rules.filter(({ path }) => /files-\*\//.test(path))).toEqual([]);
  expect(plan.get("ApplicationCredential::switchyard-openstack-preview").inputs?.roles).toEqual(["reader"]);
});

it("hands over the logins of the two environments, and that of machines, as secrets", () => {
  expect(plan.outputs).toMatchObject({
    environments: {
      openstack: { OS_APPLICATION_CREDENTIAL_SECRET: "[secret]" },
      "openstack-preview": { OS_APPLICATION_CREDENTIAL_SECRET: "[secret]" },
    },
    stackConfig: { "switchyard:openstack.credential": { secret: "[secret]" } },
  });
});
