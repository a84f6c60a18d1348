import { expect, test } from "vitest";
import { readOutputs } from "../../operations/outputs.ts";
import { filesOf } from "../../providers/aws/files.ts";
import { deployedStack } from "../support/outputs.ts";
import { planStack } from "../support/plan.ts";

test("what a stack on this machine outputs is what commands read", async () => {
  const { outputs } = await planStack("local");
  expect(readOutputs("local", outputs)).toEqual({ stack: "local", outputs });
});

test("a stack on AWS says where it is, and which profile deployed it", async () => {
  const { outputs } = await planStack("aws", { "aws:profile": "work" });
  expect(readOutputs("aws", outputs)).toEqual({ stack: "aws", outputs });
  expect(outputs.operator).toEqual({ network: expect.anything(), region: "us-east-1", profile: "work" });
});

test("of a stack that another version deployed, it names what is wrong, and the remedy", async () => {
  const { outputs } = deployedStack("dev", {
    clusters: { app: { size: 1, machineType: "local.small", group: "app-1", weight: 1 } },
  });
  const { operator: _, ...before } = outputs;
  expect(() => readOutputs("dev", before)).toThrow(
    "Stack dev was deployed by another version of the program: of its outputs, operator is missing. npm run up writes them again.",
  );
  const clusters = { app: { ...outputs.clusters.app, weight: undefined, size: "4" } };
  expect(() => readOutputs("dev", { ...outputs, clusters })).toThrow(
    'clusters.app.size is "4", clusters.app.weight is missing',
  );
  await expect(filesOf(deployedStack("dev"))).rejects.toThrow("of its outputs, operator.region is missing");
});

test("a stack without outputs is not deployed", () => {
  expect(() => readOutputs("dev", {})).toThrow("Stack dev is not deployed: npm run up brings it up.");
});
