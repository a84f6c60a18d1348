import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { localEnvironment, requireBackend } from "../../scripts/backend.ts";
import { temporaryFolder, testContext } from "../support/fake-cli.ts";

test("`local` gets a private file backend and an empty passphrase", async () => {
  const root = temporaryFolder();
  const env = await localEnvironment(root, { HOME: root });
  expect(env).toEqual({
    HOME: root,
    PULUMI_BACKEND_URL: `file://${root}/.switchyard/state`,
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  });
  expect(statSync(join(root, ".switchyard", "state")).mode & 0o777).toBe(0o700);
});

test.each([
  [{ PULUMI_BACKEND_URL: "s3://bucket", PULUMI_CONFIG_PASSPHRASE: "secret" }],
  [{ PULUMI_BACKEND_URL: "file:///elsewhere", PULUMI_CONFIG_PASSPHRASE_FILE: "/run/secret" }],
  [{ PULUMI_BACKEND_URL: "s3://bucket", PULUMI_SKIP_UPDATE_CHECK: "false", PULUMI_CONFIG_PASSPHRASE: "x" }],
])("what the user has set stays: %j", async (set) => {
  const root = temporaryFolder();
  const env = await localEnvironment(root, set);
  expect(env).toMatchObject(set);
  if (!("PULUMI_CONFIG_PASSPHRASE" in set)) expect(env).not.toHaveProperty("PULUMI_CONFIG_PASSPHRASE");
  expect(existsSync(join(root, ".switchyard"))).toBe(false);
});

test("without a backend it says how to name one, and what needs none", async () => {
  await expect(requireBackend(testContext(temporaryFolder(), []), "org/x/aws")).rejects.toThrow(
    /^Nothing says where the state of stack org\/x\/aws is kept\.[\s\S]+PULUMI_BACKEND_URL[\s\S]+npm run plan -- --stack aws/,
  );
});

test("a backend is named by the environment, by a login, or by Pulumi.yaml", async () => {
  const root = temporaryFolder();
  const check = (env = {}) => requireBackend(testContext(root, [], env), "aws");
  await check({ PULUMI_BACKEND_URL: "s3://bucket" });
  await check({ PULUMI_ACCESS_TOKEN: "token" });
  mkdirSync(join(root, "home"));
  const credentials = join(root, "home", "credentials.json");
  writeFileSync(credentials, JSON.stringify({ current: "" }));
  writeFileSync(join(root, "Pulumi.yaml"), "name: x\n");
  await expect(check()).rejects.toThrow("Nothing says where");
  writeFileSync(credentials, JSON.stringify({ current: "https://api.pulumi.com" }));
  await check();
  writeFileSync(credentials, "{}");
  writeFileSync(join(root, "Pulumi.yaml"), "name: x\nbackend: { url: gs://bucket }\n");
  await check();
});
