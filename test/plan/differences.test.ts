import { describe, expect, it } from "vitest";
import { changesBetween } from "../../plan/changes.ts";
import { described } from "../../plan/compare/comparison.ts";
import { changedLines, differencesOf, documentOf } from "../../plan/compare/differences.ts";
import type { PlannedResource } from "../../plan/plan.ts";

describe("differences of two values", () => {
  it("are named by their paths, as the engine names them", () => {
    const before = { size: 3, tags: { "a.b": "x", gone: "y" }, zones: ["a"] };
    const after = { size: 4, tags: { "a.b": "z" }, zones: ["a", "b"] };
    expect(differencesOf(before, after, "group")).toEqual([
      { path: "group.size", kind: "update", old: 3, new: 4 },
      { path: 'group.tags["a.b"]', kind: "update", old: "x", new: "z" },
      { path: "group.tags.gone", kind: "delete", old: "y" },
      { path: "group.zones[1]", kind: "add", new: "b" },
    ]);
    expect(differencesOf(before, structuredClone(before), "group")).toEqual([]);
  });

  it("leave the items of a list alone that are in both", () => {
    const [one, two, three] = ["one", "two", "three"].map((name) => ({ name, weight: 1 }));
    expect(differencesOf([one, two, three], [two, three], "backends")).toEqual([
      { path: "backends[0]", kind: "delete", old: one },
    ]);
    expect(differencesOf([one, two], [one, { name: "two", weight: 3 }, three], "backends")).toEqual([
      { path: "backends[1].weight", kind: "update", old: 1, new: 3 },
      { path: "backends[2]", kind: "add", new: three },
    ]);
    expect(differencesOf([one, two], [two, one], "backends")).toEqual([
      { path: "backends[0]", kind: "delete", old: one },
      { path: "backends[1]", kind: "add", new: one },
    ]);
  });

  it("of scripts and JSON are lines, also in base64", () => {
    const script = (port: number) => `#!/bin/sh\nPORT=${port}\nexec run --with-some-more-text\n`;
    const encoded = Buffer.from(script(80)).toString("base64");
    expect(documentOf(encoded)).toBe(script(80));
    expect(documentOf("text")).toBeUndefined();
    expect(changedLines(script(80), script(81), 0)).toEqual(["-PORT=80", "+PORT=81"]);
    const policy = (action: string) => documentOf(JSON.stringify({ Statement: [{ Action: action }] })) ?? "";
    expect(changedLines(policy("read"), policy("write"), 0)).toEqual([
      '-      "Action": "read"',
      '+      "Action": "write"',
    ]);
  });
});

describe("changes between two plans", () => {
  const urn = (name: string, type = "lab:index:Thing") => `urn:pulumi:dev::lab::${type}::${name}`;
  const thing = (name: string, more: Partial<PlannedResource> = {}): PlannedResource => ({
    urn: urn(name),
    type: "lab:index:Thing",
    custom: true,
    ...more,
  });
  const table = { "lab:index:Thing": ["place"] };
  const ops = (before: readonly PlannedResource[], after: readonly PlannedResource[]) =>
    changesBetween(before, after, table).map(({ urn, op }) => `${urn.split("::").at(-1)} ${op}`);

  it("know a renamed resource by its alias", () => {
    const before = [thing("old", { inputs: { size: 1 } })];
    const after = [thing("new", { inputs: { size: 1 }, aliases: [urn("old")] })];
    expect(ops(before, after)).toEqual(["new same"]);
    const [change] = changesBetween(before, after, table);
    expect(change && described(change, () => true)).toMatchObject({ op: "same", from: urn("old") });
    expect(ops(before, [thing("new", { inputs: { size: 1 } })])).toEqual(["new create", "old delete"]);
  });

  it("follow what is replaced, and nothing that is updated", () => {
    const user = (value: string) =>
      thing("user", {
        inputs: { place: value },
        dependencies: [urn("host")],
        propertyDependencies: { place: [urn("host")] },
      });
    const host = (inputs: object, more: Partial<PlannedResource> = {}) =>
      thing("host", { inputs: { ...inputs }, ...more });
    const token = `\${${"host"}.id}`;
    const before = [host({ place: "a", size: 1 }), user(token)];
    expect(ops(before, [host({ place: "a", size: 2 }), user(token)])).toEqual(["host update", "user same"]);
    const [moved, follower] = changesBetween(before, [host({ place: "b", size: 1 }), user(token)], table);
    expect(moved).toMatchObject({ op: "replace", deletesFirst: false, forcing: ["place"] });
    expect(follower).toMatchObject({ op: "replace", deletesFirst: false, follows: { place: [urn("host")] } });
    const first = [host({ place: "b" }, { deleteBeforeReplace: true }), user(token)];
    expect(changesBetween(before, first, table)).toMatchObject([
      { deletesFirst: true },
      { deletesFirst: true },
    ]);
  });

  it("are no operation where options alone are other, and what is ignored is none", () => {
    const before = [thing("one", { inputs: { size: 1 } })];
    expect(ops(before, [thing("one", { inputs: { size: 1 }, protect: true })])).toEqual(["one same"]);
    const ignored = thing("one", { inputs: { size: 2 }, ignoreChanges: ["size"] });
    expect(ops(before, [ignored])).toEqual(["one same"]);
  });

  it("may be replacements where it is not known what replaces a type", () => {
    const before = [thing("one", { inputs: { size: 1 } })];
    const [change] = changesBetween(before, [thing("one", { inputs: { size: 2 } })], {});
    expect(change && described(change, () => false)).toMatchObject({ op: "update", mayReplace: true });
    expect(change && described(change, () => true)).not.toHaveProperty("mayReplace");
  });
});
