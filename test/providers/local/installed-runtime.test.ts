import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { installRuntime } from "../../../providers/local/installed-runtime.ts";
import { hostPlatform } from "../../../providers/local/machine-types.ts";
import { runtimeOf } from "../../../release/runtimes.ts";

const { sha512, content } = runtimeOf(hostPlatform());
let home: string;
let modules: string;
const installed = () => join(home, "runtimes", sha512.slice(0, 16));

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o755 });
}

function record(integrity: string): void {
  const packages = { [`node_modules/${content.npmPackage}`]: { integrity } };
  write(join(modules, ".package-lock.json"), JSON.stringify({ packages }));
}

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-runtime-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  home = join(folder, "home");
  modules = join(folder, "node_modules");
  mkdirSync(home);
  for (const file of ["bin/node", "LICENSE", "README.md"])
    write(join(modules, content.npmPackage, file), file);
  record(content.integrity);
});

test("machines find the Node.js that npm has installed, once, for groups that are made at the same time", async () => {
  await Promise.all([installRuntime(home, modules), installRuntime(home, modules)]);
  expect(readdirSync(join(home, "runtimes"))).toEqual([sha512.slice(0, 16)]);
  expect(readdirSync(installed()).sort()).toEqual(["LICENSE", "bin"]);
  const node = join(installed(), "bin/node");
  expect([readFileSync(node, "utf8"), statSync(node).mode & 0o111]).toEqual(["bin/node", 0o111]);
  // One that is changed later leaves the machines' as it is.
  write(join(modules, content.npmPackage, "bin/node"), "another");
  await installRuntime(home, modules);
  expect(readFileSync(node, "utf8")).toBe("bin/node");
});

test("what a killed deployment left half-copied is no runtime, and goes", async () => {
  write(`${installed()}.copied/bin/node`, "ha");
  await installRuntime(home, modules);
  expect(readdirSync(join(home, "runtimes"))).toEqual([sha512.slice(0, 16)]);
});

test.each([
  ["npm has installed another one", () => record("sha512-AAAA")],
  ["npm has left no record", () => rmSync(join(modules, ".package-lock.json"))],
  ["it is incomplete", () => rmSync(join(modules, content.npmPackage, "LICENSE"))],
])("where %s, machines fetch theirs", async (_, spoil) => {
  spoil();
  await installRuntime(home, modules);
  expect(statSync(installed(), { throwIfNoEntry: false })).toBeUndefined();
  expect(readdirSync(home, { recursive: true }).filter((name) => /node$/.test(String(name)))).toEqual([]);
});
