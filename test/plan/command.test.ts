import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Plan } from "../../plan/plan.ts";
import { copyProgram, projectRoot as project } from "../support/project.ts";
import { runPlan } from "./command.ts";

async function copyOf(source: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "plan-copy-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await copyProgram(root, ["plan", "scripts/plan.ts", "Pulumi.local.yaml"], source);
  return root;
}

describe("npm run plan", { timeout: 90_000 }, () => {
  it("prints the same bytes again, in another folder, with another environment", async () => {
    const first = await copyOf(project);
    const root = await copyOf(first);
    const env = {
      TZ: "Asia/Tokyo",
      HOME: root,
      LANG: "de_DE.UTF-8",
      AWS_REGION: "eu-west-3",
      FORCE_COLOR: "1",
    };
    const here = await runPlan(["--json"], { root: first });
    const again = await runPlan(["--json"], { root: first });
    const there = await runPlan(["--json"], { root, cwd: tmpdir(), env });
    expect(here.code, here.stdout + here.stderr).toBe(0);
    expect(again.stdout).toBe(here.stdout);
    expect(there.stdout).toBe(here.stdout);
    expect(here.stdout).not.toContain(first);
    const { config, steps, diagnostics, changeSummary } = JSON.parse(here.stdout) as Plan;
    expect(config["switchyard:cloud"]).toBe("local");
    expect(steps[0]).toMatchObject({ op: "create", newState: { type: "pulumi:pulumi:Stack" } });
    expect(diagnostics).toEqual([]);
    expect(changeSummary).toEqual({ create: steps.length });
  });

  it("ends with 1 and the CLI's words when the program fails", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nowhere-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "Pulumi.nowhere.yaml");
    await writeFile(file, "config:\n  switchyard:cloud: nowhere\n");
    const { code, stdout } = await runPlan(["--config-file", file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /error: 1 problem in this stack's configuration:\n +switchyard:cloud is "nowhere"/,
    );
    expect(stdout).toMatch(/\nThe program failed: this is as far as it got\.\n$/);
  });

  it("ends with 1 when a mandatory rule is broken, with the resource, the property and what to do", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lab-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "Pulumi.lab.yaml");
    await writeFile(file, "config: { switchyard:cloud: local, switchyard:bucket: { protect: false } }\n");
    const { code, stdout } = await runPlan(["--config-file", file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\nRules that are broken\n {2}data-protected \(mandatory\): .+\n {4}Bucket files: protect is not set; protect it \(.+\)\n/,
    );
  });

  it("ends with 1 for a stack that has no file, or a flag that is none", async () => {
    expect(await runPlan(["--stack", "nope"])).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /^There is no Pulumi\.nope\.yaml .+ Stacks that have a file: .*\blocal\b/,
      ),
    });
    expect(await runPlan(["--stacks", "local"])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Unknown option '--stacks'[\s\S]+Usage: npm run plan/),
    });
  });

  it("takes another configuration file", async () => {
    const { code, stdout } = await runPlan([
      "--stack",
      "any",
      "--config-file",
      "Pulumi.local.yaml",
      "--json",
    ]);
    expect(code, stdout).toBe(0);
    expect(stdout).toContain("urn:pulumi:any::switchyard::switchyard:index:Network::network");
  });
});
