// biome-ignore-all lint/suspicious/noTemplateCurlyInString: tokens look like this
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Plan, PlannedResource } from "../../plan/plan.ts";
import { renderTree } from "../../plan/tree.ts";

const urn = (types: string, name: string) => `urn:pulumi:dev::lab::${types}::${name}`;
const stack = urn("pulumi:pulumi:Stack", "lab-dev");
const script = `${Array.from({ length: 40 }, (_, index) => `echo ${index}`).join("\n")}\n`;

function planOf(...resources: PlannedResource[]): Plan {
  const steps = resources.map((newState) => ({ op: "create", urn: newState.urn, newState }) as const);
  return { config: {}, steps, diagnostics: [], changeSummary: { create: steps.length } };
}

const plan = planOf(
  { urn: stack, custom: false, type: "pulumi:pulumi:Stack", outputs: { url: "${edge.url}", list: ["a"] } },
  { urn: urn("lab:index:Group", "files"), custom: false, type: "lab:index:Group", parent: stack },
  {
    urn: urn("lab:index:Group$lab:index:Bucket", "files"),
    custom: true,
    type: "lab:index:Bucket",
    parent: urn("lab:index:Group", "files"),
    protect: true,
    inputs: { name: "files", size: 3, zones: ["a", "b"], rules: [{ port: 1 }], text: "x".repeat(60) },
  },
  {
    urn: urn("lab:index:Machine", "one"),
    custom: true,
    type: "lab:index:Machine",
    parent: stack,
    ignoreChanges: ["size"],
    dependencies: [urn("lab:index:Group$lab:index:Bucket", "files")],
    inputs: { script },
  },
);

describe("a plan for people", () => {
  it("is a tree with what matters most, long texts folded", () => {
    const sha256 = createHash("sha256").update(script).digest("hex").slice(0, 16);
    expect(renderTree(plan, "dev")).toBe(`Plan of the stack dev

lab-dev  pulumi:pulumi:Stack  (3 resources)
├─ files  lab:index:Group  (1 resource)
│  └─ files  lab:index:Bucket  protected  size=3 zones=[a, b] +2
└─ one  lab:index:Machine  ignores changes of size
       script:
         echo 0
         echo 1
         echo 2
         … 37 more lines, sha256 ${sha256}…

Outputs
  url: \${edge.url}
  list:
    - a

4 to create: the stack, 1 component, 2 resources, 1 protected
`);
  });

  it("shows everything when asked to", () => {
    const full = renderTree(plan, "dev", { full: true });
    for (const text of [
      "echo 39",
      "x".repeat(60),
      "port: 1",
      "dependencies:",
      urn("lab:index:Machine", "one"),
    ]) {
      expect(full).toContain(text);
    }
    expect(full).not.toContain("more lines");
  });

  it("is coloured only when asked to", () => {
    expect(renderTree(plan, "dev", { full: true })).not.toContain("\u001b");
    expect(renderTree(plan, "dev", { color: true })).toContain("\u001b[");
  });

  it("groups what was logged by resource", () => {
    const failed: Plan = {
      ...plan,
      diagnostics: [
        { severity: "warning", message: "warning: old\n", urn: stack },
        { severity: "error", message: "error: two\nlines\n" },
        { severity: "info", message: "again\n", urn: stack },
      ],
    };
    expect(renderTree(failed, "dev")).toContain(`
Diagnostics
  pulumi:pulumi:Stack (lab-dev):
    warning: old
    again
    error: two
    lines

The program failed: this is as far as it got.
`);
  });
});
