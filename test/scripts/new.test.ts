import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Question } from "../../config/new-stack.ts";
import { commands, helpText } from "../../scripts/help.ts";
import { type Answers, makeStack, nextSteps, parseAnswers, runNew, writeStack } from "../../scripts/new.ts";
import { copyProgram, projectRoot } from "../support/project.ts";

const reach = { allow: "192.0.2.7/32, 198.51.100.0/24" };
const whole: Readonly<Record<string, Answers>> = {
  local: {},
  aws: reach,
  gcp: { ...reach, project: "some-project" },
  openstack: {
    ...reach,
    "auth-url": "https://keystone.example.org/v3",
    "external-network": "6a1a1a3c-2d2b-4f0e-9c51-5f2f5e6d7c8b",
  },
};
const nobody = async () => "";

describe("npm run new", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "switchyard-new-test-"));
    await copyProgram(root, ["plan"]);
  });
  afterAll(() => rm(root, { recursive: true }));

  test.each(Object.entries(whole))("writes a stack of %s that can be planned", async (cloud, answers) => {
    const { name, content } = await makeStack(root, { cloud, stack: `my-${cloud}`, ...answers }, nobody);
    expect(await writeStack(root, name, content)).toBe(`Pulumi.my-${cloud}.yaml`);
    const written = await readFile(join(root, `Pulumi.my-${cloud}.yaml`), "utf8");
    expect(written).toMatch(/^# yaml-language-server: \$schema=config\/stack.schema.json\n/);
    expect(written).toContain("switchyard:machines: 2\n");
  });

  test("leaves a file that is there as it is, and asks for nothing more", async () => {
    const taken = "Pulumi.local.yaml is there already, and is left as it is: give another --stack";
    const asked: string[] = [];
    const ask = async ({ flag }: Question) => `${asked.push(flag) && (flag === "cloud" ? "local" : "")}`;
    await expect(makeStack(projectRoot, {}, ask)).rejects.toThrow(taken);
    expect(asked).toEqual(["cloud", "stack"]);
    await expect(writeStack(projectRoot, "local", await contentOf("local"))).rejects.toThrow(taken);
  });

  test("writes nothing that cannot be planned, and says why", async () => {
    const content = await contentOf("aws", { allow: "everybody", size: "huge" });
    const failure = await writeStack(root, "wrong", content).catch((error: Error) => error.message);
    expect(failure).toMatch(/^Pulumi.wrong.yaml is not written:\n/);
    expect(failure).toContain("everybody");
    expect(failure).toContain("huge");
    expect(await readdir(root)).not.toContain("Pulumi.wrong.yaml");
  });

  async function contentOf(cloud: string, answers: Answers = {}): Promise<string> {
    const given = { cloud, stack: "a-new-one", ...whole[cloud], ...answers };
    return (await makeStack(root, given, nobody)).content;
  }

  test("asks for what no flag says, in order", async () => {
    const asked: string[] = [];
    const said: Readonly<Record<string, string>> = {
      project: "p",
      size: "large",
      machines: "3",
      allow: "192.0.2.0/24",
    };
    const ask = async ({ flag }: Question) => {
      asked.push(flag);
      return said[flag] ?? "";
    };
    const { name, content } = await makeStack(root, { cloud: "gcp", zone: "europe-west6-a" }, ask);
    expect(asked).toEqual(["stack", "project", "allow", "machines", "size"]);
    expect(name).toBe("gcp");
    expect(content).toContain("    - name: app\n      size: large\n      desired: 3\n");
    expect(content).toContain("zone: europe-west6-a\n");
  });

  test.each<[Answers, string]>([
    [{}, "--cloud is missing: cloud (aws, gcp, local, openstack)"],
    [{ cloud: "azure" }, 'there is no cloud "azure"; there are: aws, gcp, local, openstack'],
    [{ cloud: "aws", stack: "a-new-one" }, "--allow is missing: who may reach it, you among them"],
    [{ cloud: "local", stack: "a b" }, "--stack is a b: name it with at most 100 letters"],
    [{ cloud: "local", stack: "x", region: "r" }, "--region is nothing that local asks for: leave it out"],
    [{ cloud: "local", stack: "x", machines: "two" }, "--machines is two: it must be a whole number"],
  ])("of %j it says what is wrong", async (answers, problem) => {
    await expect(makeStack(root, answers, nobody)).rejects.toThrow(problem);
  });

  test("reads flags of every cloud, and refuses others", async () => {
    expect(await parseAnswers(["--cloud", "gcp", "--project=p"])).toEqual({ cloud: "gcp", project: "p" });
    await expect(parseAnswers(["--colour", "red"])).rejects.toThrow("Unknown option '--colour'");
  });

  test("says how to go on", async () => {
    const lines: string[] = [];
    const context = {
      root,
      signal: AbortSignal.timeout(60_000),
      log: (line: string) => void lines.push(line),
    };
    expect(await runNew(["--cloud", "local", "--stack", "another"], context)).toBe(0);
    expect(lines.join("\n")).toContain("npx pulumi stack init another");
    expect(nextSteps("local")).not.toContain("login");
  });
});

test("npm run help names every command, in a screen", async () => {
  const { scripts } = JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8"));
  const text = helpText();
  const named = commands.flatMap(([, ...lines]) => lines.map(([command]) => command));
  expect(Object.keys(scripts).filter((name) => name !== "help" && !text.includes(name))).toEqual([]);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
  expect(text.split("\n").length).toBeLessThanOrEqual(30);
  expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(90);
});
