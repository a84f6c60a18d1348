import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** The product's own modules, and those of them that each imports: values and types, at once or when they are needed. */
const imports = new Map(
  globSync(
    "{*.ts,{bootstrap,components,config,operations,plan,plugin,policy,providers,release,scripts,service}/**/*.ts}",
    {
      cwd: root,
    },
  ).map((file) => {
    const specifiers = readFileSync(join(root, file), "utf8").matchAll(
      /\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g,
    );
    return [file, [...specifiers].map(([, path = ""]) => relative(root, join(root, dirname(file), path)))];
  }),
);

const folderOf = (file: string) => file.split("/")[0] ?? file;

/** Which of what `edges` lead to reaches itself again: each circle once, from where it was entered. */
function circlesOf(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]) => {
    if (path.includes(name)) circles.push([...path.slice(path.indexOf(name)), name]);
    if (path.includes(name) || done.has(name)) return;
    for (const next of edges.get(name) ?? []) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of edges.keys()) visit(name, []);
  return circles;
}

test("a circle is found", () => {
  const edges = new Map([
    ["a", new Set(["b", "c"])],
    ["b", new Set(["c"])],
    ["c", new Set(["b"])],
  ]);
  expect(circlesOf(edges)).toEqual([["b", "c", "b"]]);
});

test("no folder imports one that imports it", () => {
  const folders = new Map<string, Set<string>>();
  for (const [file, targets] of imports) {
    const folder = folderOf(file);
    const others = folders.get(folder) ?? new Set();
    folders.set(folder, others);
    for (const target of targets.map(folderOf)) if (target !== folder) others.add(target);
  }
  expect(folders.size).toBeGreaterThan(8);
  expect(circlesOf(folders)).toEqual([]);
});

test("the app imports nothing of what deploys it, and none of its files imports one that imports it", () => {
  const service = new Map(
    [...imports].filter(([file]) => folderOf(file) === "service").map(([file, to]) => [file, new Set(to)]),
  );
  const outside = [...service.values()].flatMap((to) => [...to]).filter((to) => folderOf(to) !== "service");
  expect(outside).toEqual([]);
  expect(circlesOf(service)).toEqual([]);
});
