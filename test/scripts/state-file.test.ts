import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { localEnvironment } from "../../scripts/backend.ts";
import { outputsIn, readState } from "../../scripts/state-file.ts";
import { temporaryFolder, testContext } from "../support/fake-cli.ts";

async function contextWith(content: string | undefined) {
  const root = join(temporaryFolder(), "a b%41");
  mkdirSync(root);
  const env = await localEnvironment(root, process.env);
  const folder = join(root, ".switchyard", "state", ".pulumi", "stacks", "switchyard");
  mkdirSync(folder, { recursive: true });
  if (content !== undefined) writeFileSync(join(folder, "local.json"), content);
  return testContext(root, [], env);
}

const latest = { resources: [], pending_operations: [] };

test.each([
  ["of a stack that was deployed", JSON.stringify({ checkpoint: { latest } }), latest],
  ["of one that has never been", JSON.stringify({ checkpoint: {} }), undefined],
  ["that cannot be read", "{", undefined],
  ["that is not there", undefined, undefined],
])("a state %s is read without the CLI, or left to it", async (_, content, state) => {
  expect(await readState(await contextWith(content), "switchyard", "local")).toEqual(state);
});

test("of a backend that is no folder, the CLI is asked", async () => {
  const context = testContext(temporaryFolder(), [], { PULUMI_BACKEND_URL: "s3://bucket" });
  expect(await readState(context, "switchyard", "local")).toBeUndefined();
});

test("outputs are as the CLI prints them, secrets masked", () => {
  const secret = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    ciphertext: "v1:x",
  };
  const outputs = { url: "http://127.0.0.1:8080", adminToken: secret, clusters: { app: { size: 2 } } };
  const root = { urn: "", type: "pulumi:pulumi:Stack", outputs };
  expect(outputsIn({ resources: [{ urn: "", type: "a:b:C" }, root] })).toEqual({
    ...outputs,
    adminToken: "[secret]",
  });
  expect(outputsIn({ resources: [] })).toBeUndefined();
});
