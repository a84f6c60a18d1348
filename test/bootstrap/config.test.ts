import { expect, it } from "vitest";
import { readBootstrap } from "../../bootstrap/config.ts";

const aws = {
  "bootstrap:stack": "aws",
  "bootstrap:account": "123456789012",
  "bootstrap:repository": "example/switchyard",
};

async function problemsOf(config: Readonly<Record<string, string>>): Promise<string[]> {
  const error = await readBootstrap(config).catch((error: Error) => error);
  if (!(error instanceof Error)) return [];
  return error.message
    .split("\n")
    .filter((line) => line.startsWith("  "))
    .map((line) => line.trim());
}

it("reads who deploys what, and the stack's own file", async () => {
  const bootstrap = await readBootstrap({ ...aws, "bootstrap:state": "s3://state/all?region=eu-west-1" });
  expect(bootstrap).toMatchObject({
    name: "switchyard-aws",
    environments: { deploy: "aws", preview: "aws-preview" },
    settings: { cloud: "aws", project: "switchyard" },
    stackConfig: { "aws:region": "us-east-1" },
  });
  expect(bootstrap.state?.hostname).toBe("state");
  const numbered = {
    ...aws,
    "bootstrap:repository": "example@12/switchyard@34",
    "bootstrap:environment": "prod",
  };
  expect(await readBootstrap(numbered)).toMatchObject({
    repository: "example@12/switchyard@34",
    environments: { deploy: "prod", preview: "prod-preview" },
  });
});

it("lists all that is wrong, with what would be right", async () => {
  expect(await problemsOf({})).toEqual([
    "bootstrap:stack is missing; it must be the name of a stack that has a file beside this folder",
  ]);
  expect(
    await problemsOf({
      "bootstrap:stack": "aws",
      "bootstrap:repo": "x",
      "bootstrap:account": "12",
      "bootstrap:environment": "*",
      "bootstrap:state": "file://~",
    }),
  ).toEqual([
    expect.stringContaining("bootstrap:repo is set, and there is no such key, "),
    'bootstrap:account is "12"; it must be the twelve digits of the AWS account',
    'bootstrap:environment is "*"; it must be a name of letters, digits, dots and hyphens',
    expect.stringContaining('bootstrap:state is "file://~"; it must be s3://bucket or gs://bucket'),
    expect.stringContaining("bootstrap:repository is missing; it must be owner/name"),
  ]);
  expect(await problemsOf({ "bootstrap:stack": "local" })).toEqual([
    expect.stringContaining("is deployed to local, where nobody needs rights; name one of aws"),
  ]);
  await expect(readBootstrap({ "bootstrap:stack": "none" })).rejects.toThrow("There is no Pulumi.none.yaml");
});
