import { expect, test } from "vitest";
import type { Compared } from "../../plan/compare/compare.ts";
import type { Finding } from "../../plan/compare/comparison.ts";
import { renderMarkdown } from "../../plan/compare/markdown.ts";
import { renderComparison } from "../../plan/compare/text.ts";

const finding = (severity: Finding["severity"], text: string): Finding => ({
  severity,
  topic: "service",
  text,
  urns: [],
});

/** A stack in which one resource changes. */
function compared(stack: string, summary: readonly Finding[], value = "x"): Compared {
  const urn = `urn:pulumi:${stack}::lab::lab:index:Thing::thing`;
  const resource = { urn, type: "lab:index:Thing", custom: true };
  const differences = [{ path: "text", kind: "update", old: "old", new: value }] as const;
  const change = { urn, type: resource.type, op: "update", diff: differences, options: [], why: [] } as const;
  const root = {
    urn,
    op: "update",
    deletesFirst: false,
    changed: ["text"],
    forcing: [],
    follows: {},
    replacedWith: [],
  } as const;
  return {
    comparison: { stack, base: "a", head: "b", summary, changeSummary: { update: 1 }, changes: [change] },
    groups: [{ roots: [root], differences, consequences: [] }],
  };
}

const unchanged = (stack: string): Compared => ({
  comparison: { stack, base: "a", head: "b", summary: [], changeSummary: { same: 3 }, changes: [] },
  groups: [],
});

test("a comment has a row for each stack that changes, and one line of all others", () => {
  const text = renderMarkdown([
    compared("aws", [finding("danger", "opens tcp 22"), finding("notice", "machines: 2")]),
    unchanged("gcp"),
    unchanged("local"),
    { stack: "openstack", problem: "its plan fails:\nno such key" },
  ]);
  expect(text).toContain("| `aws` | 1 to update, 0 the same | 🔴 opens tcp 22 |");
  expect(text).toContain("| `openstack` |  | 🔴 cannot be compared |");
  expect(text).toContain("Nothing changes in `gcp`, `local`.");
  expect(text).toContain("```\nits plan fails:\nno such key\n```");
  expect(text).toContain("text: old → x");
  expect(renderMarkdown([unchanged("gcp")])).toMatch(
    /^## What merging changes\n\nNothing changes in `gcp`\.\n/,
  );
});

test("what a configuration says is no markup, and ends no block", () => {
  const evil = "a `b` **c** <img src=x> [d](e) @everybody | f";
  const text = renderMarkdown([compared("aws", [finding("danger", evil)], "```\n\n# pwned\n")]);
  expect(text).toContain("\\`b\\` \\*\\*c\\*\\* \\<img src=x\\> \\[d\\](e) @\u200beverybody \\| f");
  expect(text.match(/^````+diff$/gm)).toHaveLength(1);
  expect(text).toMatch(/^````+diff\n[\s\S]*# pwned[\s\S]*\n````+$/m);
});

test("what a configuration says does not steer a terminal", () => {
  const steering = compared("aws", [finding("danger", "a\u001b[2Jb\nc")], "x\u009b2Jy\u0007");
  const text = renderComparison(steering);
  expect(text).toContain("!! a\ufffd[2Jb c\n");
  expect(text).toContain("text: old → x\ufffd2Jy\ufffd\n");
});

test("a comment stays within its budget: details go first, the gravest stack's last", () => {
  const long = (stack: string, severity: Finding["severity"]) =>
    compared(stack, [finding(severity, `${stack} loses`)], "x ".repeat(4_000));
  const stacks = ["one", "two", "three"].map((stack) => long(stack, stack === "two" ? "danger" : "notice"));
  const whole = renderMarkdown(stacks);
  expect(whole).not.toContain("No room");
  const text = renderMarkdown(stacks, Math.round(whole.length * 0.8));
  expect(text.length).toBeLessThanOrEqual(whole.length * 0.8);
  expect(text).toContain("Each resource of two");
  expect(text).toMatch(/No room for the resources of (one, )?three: the run's artifact has them\./);
  for (const stack of ["one", "two", "three"]) expect(text).toContain(`${stack} loses`);
  expect(renderMarkdown(stacks, 300).length).toBeLessThanOrEqual(300);
});
