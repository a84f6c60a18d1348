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

  it("decodes texts that are in base64, and nothing that only looks so", () => {
    const userData = Buffer.from(script).toString("base64");
    const machine = { custom: true, type: "lab:index:Machine", urn: urn("lab:index:Machine", "two") };
    const encoded = planOf({ ...machine, inputs: { userData, digest: "a".repeat(64) } });
    expect(renderTree(encoded, "dev")).toContain("userData (base64, decoded):\n      echo 0\n");
    const full = renderTree(encoded, "dev", { full: true });
    expect(full).toContain("userData (base64, decoded): |\n        echo 0\n");
    expect(full).toContain(`digest: ${"a".repeat(64)}`);
  });

  it("lists what a component says in sentences", () => {
    const routes = ["/cluster1 → cluster1", "everything else → cluster1 (weight 1), cluster2 (weight 3)"];
    const edge = { custom: false, type: "lab:index:Edge", urn: urn("lab:index:Edge", "edge") };
    const tree = renderTree(planOf({ ...edge, inputs: { port: 80, routes } }), "dev");
    expect(tree).toContain(
      `edge  lab:index:Edge  port=80 +1\n    routes:\n      ${routes.join("\n      ")}\n`,
    );
  });

  it("says what is open to the internet, and that nothing is", () => {
    const openings = [
      { name: "edge-80", port: "tcp 80", from: "0.0.0.0/0" },
      { name: "app-22", port: "tcp 22", from: "203.0.113.0/24" },
    ];
    expect(renderTree(plan, "dev", { openings })).toContain(
      "Open to the internet\n  tcp 80 from 0.0.0.0/0, everybody  (edge-80)\n  tcp 22 from 203.0.113.0/24  (app-22)\n",
    );
    expect(renderTree(plan, "dev", { openings: [] })).toContain("\nNothing is open to the internet.\n");
    expect(renderTree(plan, "dev")).not.toContain("internet");
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
