import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readStack } from "../../plan/stack.ts";
import { makeProject } from "./project.ts";

describe("a stack's files", () => {
  it("hands over text as it is and all else as JSON, with keys in order", async () => {
    const config = {
      "aws:region": "eu-west-1",
      "lab:count": 5,
      "lab:on": true,
      "lab:object": { b: [1], a: "x" },
    };
    const stack = readStack("dev", { root: await makeProject("", config) });
    expect(stack).toMatchObject({ name: "dev", project: "lab", main: "index.ts", secretKeys: [] });
    expect(stack.config).toEqual({
      "aws:region": "eu-west-1",
      "lab:count": "5",
      "lab:object": '{"a":"x","b":[1]}',
      "lab:on": "true",
    });
  });

  it("writes values as the CLI does: nothing as empty text, and JSON as Go does", async () => {
    const root = await makeProject("");
    const values = ["~", "", "[~]", "{ b: 1e21, A: <é>&, '10': x }", "1e20", "['\\']"];
    const lines = values.map((value, index) => `  lab:${index}: ${value}\n`);
    await writeFile(join(root, "Pulumi.dev.yaml"), `config:\n${lines.join("")}`);
    expect(Object.values(readStack("dev", { root }).config)).toEqual([
      "",
      "",
      "[null]",
      '{"10":"x","A":"\\u003cé\\u003e\\u0026","b":1e+21}',
      "100000000000000000000",
      '["\\\\"]',
    ]);
  });

  it("refuses environments that it does not fetch", async () => {
    const root = await makeProject("");
    await writeFile(join(root, "Pulumi.dev.yaml"), "environment: [shared]\n");
    expect(() => readStack("dev", { root })).toThrow(
      /^Pulumi\.dev\.yaml: environment names .+ --config-file$/,
    );
  });

  it("decrypts nothing, and says which keys are secret", async () => {
    const config = {
      "lab:key": { secure: "v1:abc" },
      "lab:object": { user: "me", password: { secure: "v1:def" } },
    };
    const stack = readStack("dev", { root: await makeProject("", config) });
    expect(stack.config).toEqual({
      "lab:key": "[secret]",
      "lab:object": '{"password":"[secret]","user":"me"}',
    });
    expect(stack.secretKeys).toEqual(["lab:key", "lab:object"]);
  });

  it("puts given values above the file's, and the file's above the project's", async () => {
    const root = await makeProject("", { "lab:one": 1, "lab:two": 2, "lab:three": 3 });
    const config = {
      zero: { default: 0 },
      one: { default: 0 },
      four: { description: "not set" },
      "aws:region": "a",
    };
    await writeFile(join(root, "Pulumi.yaml"), JSON.stringify({ name: "lab", config }));
    expect(
      readStack("dev", { root, config: { two: "new", three: undefined, "aws:region": "b" } }).config,
    ).toEqual({
      "aws:region": "b",
      "lab:one": "1",
      "lab:two": "new",
      "lab:zero": "0",
    });
  });

  it("reads the configuration from another file", async () => {
    const root = await makeProject("");
    const configFile = join(root, "other.yaml");
    await writeFile(configFile, "config:\n  lab:size: large\n");
    expect(readStack("any", { root, configFile }).config).toEqual({ "lab:size": "large" });
  });

  it("says which stacks there are when there is none of a name", async () => {
    const root = await makeProject("");
    expect(() => readStack("prod", { root })).toThrow(
      'There is no Pulumi.prod.yaml to configure the stack "prod". Stacks that have a file: dev.',
    );
  });

  it("names a file that is no YAML", async () => {
    const root = await makeProject("");
    await writeFile(join(root, "Pulumi.dev.yaml"), "config: [");
    expect(() => readStack("dev", { root })).toThrow(/^Pulumi\.dev\.yaml, line \d: this is no valid YAML: /);
  });
});
