import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { planExample, planStack } from "../support/plan.ts";

const folder = readdirSync(join(import.meta.dirname, "../../examples"));
/** The stack files; what is TypeScript has tests of its own. */
const examples = folder.filter((file) => file.endsWith(".yaml"));
const everybody = "0.0.0.0/0";

test.each(examples)("the example %s can be deployed", { timeout: 120_000 }, async (file) => {
  const { document, diagnostics } = await planExample(basename(file, ".yaml"));
  expect(document.changeSummary.create).toBeGreaterThan(30);
  expect(diagnostics).toEqual([]);
});

test("the stack file for AWS opens nothing to everybody, and no SSH", { timeout: 120_000 }, async () => {
  const { byType } = await planStack("aws");
  const rules = byType("SecurityGroupIngressRule").map(({ inputs }) => inputs);
  expect(rules.length).toBeGreaterThan(1);
  expect(rules.filter((rule) => rule?.cidrIpv4 === everybody || rule?.toPort === 22)).toEqual([]);
});
