import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Comparison } from "../../plan/compare/comparison.ts";
import { projectRoot } from "../support/project.ts";
import { runPlan } from "./command.ts";

const validate = new Ajv({ strict: false }).compile(
  JSON.parse(await readFile(join(projectRoot, "docs/comparison.schema.json"), "utf8")),
);

/** The local stack's file with some text in place of other text, in a file of its own. */
async function edited(...edits: readonly (readonly [string, string])[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "compare-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "Pulumi.base.yaml");
  let content = await readFile(join(projectRoot, "Pulumi.local.yaml"), "utf8");
  for (const [from, to] of edits) {
    expect(content).toContain(from);
    content = content.replaceAll(from, to);
  }
  await writeFile(file, content);
  return file;
}

describe("npm run plan -- --base-file", { timeout: 120_000 }, () => {
  it("says that nothing changes, with 0", async () => {
    const base = await edited();
    const { code, stdout, stderr } = await runPlan(["--base-file", base, "--exit-code"]);
    expect(stdout + stderr).toMatch(
      /^local: .+Pulumi\.base\.yaml → Pulumi\.local\.yaml\nNothing changes\.\n$/,
    );
    expect(code).toBe(0);
  });

  it("says what changes, as a document, with 1", async () => {
    const base = await edited(["desired: 5", "desired: 4"], ["protect: true", "protect: false"]);
    const { code, stdout, stderr } = await runPlan(["--base-file", base, "--json", "--exit-code"]);
    expect(code, stderr).toBe(1);
    const comparison = JSON.parse(stdout) as Comparison;
    expect(validate(comparison), JSON.stringify(validate.errors)).toBe(true);
    expect(comparison.changeSummary).toEqual({ same: 15, update: 2 });
    expect(comparison.summary.map(({ text }) => text)).toEqual([
      "Bucket files is protected: whatever would delete it is refused",
      "machines: 8 → 9 (cluster1 4 × local.small → 5 × local.small)",
    ]);
    const [group, bucket] = ["MachineGroup::cluster1", "local:Bucket::files"].map((name) =>
      comparison.changes.find(({ urn }) => urn.endsWith(name)),
    );
    expect(group).toMatchObject({
      op: "update",
      diff: [{ path: "desired", kind: "update", old: 4, new: 5 }],
    });
    expect(bucket).toMatchObject({ op: "same", options: [{ path: "protect", kind: "add", new: true }] });
  });

  it("says which rules the edit breaks, and which it makes milder", async () => {
    const policy = "switchyard:policy: [{ rule: health-checked, level: advisory, reason: none yet }]";
    const file = await edited(["protect: true", "protect: false"], ["config:\n", `config:\n  ${policy}\n`]);
    const { stdout } = await runPlan(["--base-file", "Pulumi.local.yaml", "--config-file", file, "--json"]);
    const { summary } = JSON.parse(stdout) as Comparison;
    expect(summary.filter(({ topic }) => topic === "policy")).toEqual([
      {
        severity: "danger",
        topic: "policy",
        text: expect.stringMatching(
          /^it breaks the rule data-protected \(mandatory\): Bucket files: protect is not set; protect it/,
        ),
        urns: [expect.stringMatching(/local:Bucket::files$/)],
      },
      {
        severity: "caution",
        topic: "policy",
        text: "the rule health-checked is advisory: none yet",
        urns: [],
      },
    ]);
  });

  it("ends with 2 when it cannot compare, and says why", async () => {
    const base = await edited(["cloud: local", "cloud: nowhere"]);
    const { code, stdout, stderr } = await runPlan(["--base-file", base, "--exit-code"]);
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /Pulumi\.base\.yaml cannot be compared, because its plan fails:\n.*switchyard:cloud is "nowhere"/s,
    );
    expect(code).toBe(2);
    expect(await runPlan(["--base-file", "nowhere.yaml", "--exit-code"])).toMatchObject({ code: 2 });
  });
});
