import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { planOf } from "../support/plan.ts";
import { copyProgram, projectRoot } from "../support/project.ts";

test("the user's own transforms.ts changes what there is no key for", { timeout: 120_000 }, async () => {
  const root = await mkdtemp(join(tmpdir(), "plan-transforms-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await copyProgram(root, ["Pulumi.aws.yaml"]);
  await copyFile(join(projectRoot, "examples/transforms.ts"), join(root, "transforms.ts"));
  const { byType, get } = await planOf("aws", { root });
  expect(byType("aws:lb/loadBalancer:LoadBalancer")).toMatchObject([
    { inputs: { idleTimeout: 300, loadBalancerType: "application" } },
  ]);
  const roles = byType("Role").map(({ inputs }) => inputs?.permissionsBoundary);
  expect(new Set(roles)).toEqual(new Set(["arn:aws:iam::123456789012:policy/boundary"]));
  expect(get("LaunchTemplate::cluster1").inputs).not.toHaveProperty("permissionsBoundary");
});
