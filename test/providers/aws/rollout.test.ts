import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseUrn } from "../../../operations/urn.ts";
import { simpleType } from "../../../plan/labels.ts";
import { planOf, type StackPlan } from "../../support/plan.ts";
import { copyProgram } from "../../support/project.ts";

/** The resources that are not the same in both plans, `Type::name`. */
function changes(before: StackPlan, after: StackPlan): string[] {
  const old = new Map(before.resources.map((resource) => [resource.urn, JSON.stringify(resource)]));
  expect(after.resources.map(({ urn }) => urn)).toEqual([...old.keys()]);
  return after.resources
    .filter((resource) => old.get(resource.urn) !== JSON.stringify(resource))
    .map(({ urn, type }) => `${simpleType(type)}::${parseUrn(urn).name}`)
    .sort();
}

test("a changed service changes the launch templates, what they fetch and what waits for them", async () => {
  const root = await mkdtemp(join(tmpdir(), "switchyard-plan-"));
  try {
    await copyProgram(root, ["Pulumi.aws.yaml"]);
    const before = await planOf("aws", { root });
    expect(changes(before, await planOf("aws", { root }))).toEqual([]);
    await appendFile(join(root, "service/server.ts"), "\nprocess.title = 'another';\n");
    const after = await planOf("aws", { root });
    expect(changes(before, after)).toEqual([
      "LaunchTemplate::cluster1",
      "LaunchTemplate::cluster2",
      "Readiness::ready",
      "Release::release",
      "Stack::switchyard-aws",
      "StoredObject::release",
    ]);
    for (const name of ["cluster1", "cluster2"]) {
      const group = after.get(`Group::${name}`);
      const template = after.get(`LaunchTemplate::${name}`).urn;
      expect(group.propertyDependencies?.launchTemplate).toEqual([template]);
      expect(after.dependencies(template).map(({ urn }) => parseUrn(urn).name)).toContain("release");
    }
  } finally {
    await rm(root, { recursive: true });
  }
}, 60_000);
