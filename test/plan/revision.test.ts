import { execFileSync } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Comparison } from "../../plan/compare/comparison.ts";
import { copyProgram } from "../support/project.ts";
import { runPlan } from "./command.ts";

/** A repository with the program in it, whose one commit is what is deployed. */
let root: string;
const git = (...args: string[]) =>
  execFileSync("git", ["-C", root, "-c", "user.name=x", "-c", "user.email=x@example.org", ...args]);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "revision-"));
  await copyProgram(root, ["plan", "plugin", "scripts", "Pulumi.local.yaml"]);
  await writeFile(join(root, ".gitignore"), "node_modules\n.switchyard\n");
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "deployed");
  return () => rm(root, { recursive: true });
});

async function change(file: string, from: string, to: string): Promise<void> {
  const content = await readFile(join(root, file), "utf8");
  expect(content).toContain(from);
  await writeFile(join(root, file), content.replace(from, to));
}

describe("npm run plan -- --base REF", { timeout: 300_000 }, () => {
  it("takes another control plane for no change of what is deployed", async () => {
    await appendFile(join(root, "providers/local/cloud/control-plane.ts"), "\n// Another one.\n");
    const { code, stdout, stderr } = await runPlan(["--base", "HEAD", "--exit-code"], { root });
    expect(stdout + stderr).toMatch(
      /^local: Pulumi\.local\.yaml at HEAD \([0-9a-f]{8}\) → Pulumi\.local\.yaml\nNothing changes\.\n$/,
    );
    expect(code).toBe(0);
    expect(git("status", "--porcelain").toString()).toBe(" M providers/local/cloud/control-plane.ts\n");
  });

  it("tells a new build as one change, for a pull request and as a document", async () => {
    await change("service/routes/root.ts", "Successfully connected", "Most successfully connected");
    await writeFile(join(root, "Pulumi.more.yaml"), await readFile(join(root, "Pulumi.local.yaml")));
    const output = join(root, ".switchyard/comparison");
    const args = ["--base", "HEAD", "--all", "--output", output, "--exit-code"];
    const { code, stdout, stderr } = await runPlan(args, { root });
    expect(code, stderr).toBe(1);
    const markdown = await readFile(join(output, "comparison.md"), "utf8");
    expect(markdown).toMatch(/new build [0-9a-f]{12}…: 9 machines roll/);
    expect(markdown).toMatch(/^\| `more` \(new\) \|/m);
    expect(markdown).not.toContain("RELEASE_SHA256");
    expect(stdout).toBe(await readFile(join(output, "comparison.txt"), "utf8"));
    const [local] = JSON.parse(await readFile(join(output, "comparison.json"), "utf8")) as [Comparison];
    expect(local.changeSummary).toMatchObject({ replace: 1, update: 3 });
    const causes = new Set(local.changes.map(({ cause }) => cause));
    expect(causes).toEqual(new Set([expect.stringMatching(/^new build /)]));
    // Once unpacked, a revision is kept; the dependencies are the project's own.
    expect(await readdir(join(root, ".switchyard/revisions"))).toHaveLength(1);
  });

  it("says what to do about a revision that is none, with 2", async () => {
    const { code, stderr } = await runPlan(["--base", "nowhere", "--exit-code"], { root });
    expect(stderr).toMatch(
      /^nowhere is no revision of this project that can be compared with: .+\(git fetch/,
    );
    expect(code).toBe(2);
    const flags = await runPlan(["--all", "--exit-code"], { root });
    expect(flags.stderr).toMatch(/^--all, --markdown, --output and --exit-code are for comparisons/);
    expect(flags.code).toBe(2);
  });
});
