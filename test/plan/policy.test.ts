import { describe, expect, test } from "vitest";
import { type PolicyRule, policyRules, type Settings } from "../../config/settings.ts";
import { parseUrn } from "../../operations/urn.ts";
import { openPolicy, type PolicyResource, violationsOf } from "../../plan/policy/policy.ts";
import { clouds } from "../../providers/index.ts";
import { cases } from "./policy-cases.ts";

type Governing = Pick<Settings, "access" | "controller" | "loadBalancer" | "policy">;

const settings: Governing = {
  access: [{ port: 22, from: ["198.51.100.0/24"] }],
  loadBalancer: {
    port: 80,
    allow: ["203.0.113.0/24"],
    accessLogs: false,
    protect: false,
    healthCheck: {
      path: "/healthz",
      intervalSeconds: 10,
      timeoutSeconds: 5,
      healthyThreshold: 2,
      unhealthyThreshold: 2,
    },
  },
  policy: [],
};

async function broken(cloud: string, resources: readonly PolicyResource[], more: Partial<Governing> = {}) {
  const folder = clouds[cloud];
  if (!folder) throw new Error(`there is no cloud ${cloud}`);
  return violationsOf(await openPolicy(folder, { ...settings, ...more }), resources);
}

describe.each(cases)("on $cloud, $rule", ({ cloud, rule, good, bad }) => {
  test("is kept", async () => {
    const found = await broken(cloud, good);
    expect(found.filter((one) => one.rule === rule)).toEqual([]);
  });

  test.each(bad)("is broken by $property", async ({ resources, property }) => {
    const found = (await broken(cloud, resources)).filter((one) => one.rule === rule);
    expect(found.map((one) => one.property)).toContain(property);
    for (const { urn, found: what, remedy } of found) {
      expect(resources.map((one) => one.urn)).toContain(urn);
      expect(what).not.toBe("");
      expect(remedy).not.toBe("");
    }
  });
});

test("each rule that a cloud looks for has a case that breaks it, and each that it does not, a reason", async () => {
  for (const [cloud, folder] of Object.entries(clouds)) {
    const { checks } = await folder.policy();
    for (const rule of policyRules) {
      const check = (checks as Readonly<Record<string, object | string>>)[rule];
      const tested = cases.some((one) => one.cloud === cloud && one.rule === rule);
      if (typeof check === "string") expect(check, `${cloud}: ${rule}`).toMatch(/^[A-Z].+\.$/);
      else expect(tested, `${cloud}: ${rule}`).toBe(true);
    }
  }
});

describe("the configuration says what becomes of a rule", () => {
  const bucket: PolicyResource = {
    urn: "urn:pulumi:dev::switchyard::switchyard:index:Bucket$switchyard:local:Bucket::files",
    type: "switchyard:local:Bucket",
  };
  const rule: PolicyRule = "data-protected";
  const reason = "a lab";

  test("a rule has the level of its own, unless there is another for all or for that resource", async () => {
    const levelsBy = async (policy: Settings["policy"]) =>
      (await broken("local", [bucket], { policy })).map(({ level }) => level);
    expect(await levelsBy([])).toEqual(["mandatory"]);
    expect(await levelsBy([{ rule, level: "advisory", reason }])).toEqual(["advisory"]);
    expect(await levelsBy([{ rule, level: "disabled", reason }])).toEqual([]);
    expect(await levelsBy([{ rule, level: "disabled", reason, resource: "others" }])).toEqual(["mandatory"]);
    const both = [
      { rule, level: "disabled", reason },
      { rule, level: "advisory", reason, resource: "files" },
    ] as const;
    expect(await levelsBy(both)).toEqual(["advisory"]);
  });
});

test("names of the resources in cases are URNs", () => {
  for (const { good, bad } of cases)
    for (const { urn, type } of [...good, ...bad.flatMap(({ resources }) => resources)])
      expect(parseUrn(urn).type).toBe(type);
});
