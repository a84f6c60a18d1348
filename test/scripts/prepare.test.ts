import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder, writeScript } from "../support/fake-cli.ts";

const script = join(import.meta.dirname, "../../scripts/prepare.js");

/** A project with this script, no dependency, and a `node` as if a dependency had brought one. */
function fixture(): string {
  const root = temporaryFolder();
  cpSync(script, join(root, "scripts", "prepare.js"));
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "x", version: "1.0.0", type: "module" }));
  writeLock(root, "1.0.0");
  return root;
}

function writeLock(root: string, version: string): void {
  const packages = { "": { name: "x", version } };
  writeFileSync(
    join(root, "package-lock.json"),
    JSON.stringify({ name: "x", version, lockfileVersion: 3, packages }),
  );
}

/** Runs the script with the real npm, or with the executable given in its place. */
function prepare(root: string, npm?: string) {
  const env = { ...process.env, npm_config_cache: join(root, "cache"), npm_config_update_notifier: "false" };
  if (npm) Object.assign(env, { npm_execpath: "", PATH: `${npm}:/usr/bin:/bin` });
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "scripts", "prepare.js")], {
    env,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const quiet = { status: 0, stdout: "", stderr: "" };

test("it installs once, is quiet after that, and installs again when the lock file changes", () => {
  const root = fixture();
  const first = prepare(root);
  expect(first).toMatchObject({ status: 0, stdout: "" });
  expect(first.stderr).toMatch(/^Installing dependencies \(npm ci\)…\n(.*\n)*Installed in [\d.]+ s\.\n$/);
  expect(prepare(root)).toEqual(quiet);
  writeLock(root, "1.0.1");
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "x", version: "1.0.1", type: "module" }));
  expect(prepare(root).stderr).toContain("Installing");
  rmSync(join(root, "node_modules"), { recursive: true });
  expect(prepare(root).stderr).toContain("Installing");
});

test("an installation made by hand is taken as it is, unless it is another one", () => {
  const root = fixture();
  const entry = { version: "2.0.0", integrity: "sha512-x" };
  const foreign = { version: "1.0.0", optional: true, os: ["aix"], cpu: ["ppc64"] };
  const lock = {
    lockfileVersion: 3,
    packages: { "": {}, "node_modules/a": entry, "node_modules/b": foreign },
  };
  writeFileSync(join(root, "package-lock.json"), JSON.stringify(lock));
  const record = (packages: object) => {
    rmSync(join(root, "node_modules"), { recursive: true, force: true });
    mkdirSync(join(root, "node_modules"));
    writeFileSync(join(root, "node_modules", ".package-lock.json"), JSON.stringify({ packages }));
  };
  const broken = join(root, "bin");
  writeScript(join(broken, "npm"), "exit 4");
  record({ "node_modules/a": entry });
  expect(prepare(root, broken)).toEqual(quiet);
  record({ "node_modules/a": { ...entry, integrity: "sha512-y" } });
  expect(prepare(root, broken).status).toBe(1);
  record({});
  expect(prepare(root, broken).status).toBe(1);
  record({ "node_modules/a": entry, "node_modules/c": entry });
  expect(prepare(root, broken).status).toBe(1);
});

test("when npm fails, the error says so and nothing is taken as installed", () => {
  const root = fixture();
  writeScript(join(root, "bin", "npm"), "echo no network >&2; exit 4");
  const failed = prepare(root, join(root, "bin"));
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain("no network\n");
  expect(failed.stderr).toContain(`npm ci failed in ${root}: it ended with exit code 4`);
  expect(existsSync(join(root, "node_modules", ".switchyard-stamp"))).toBe(false);
});

test("where the dependencies bring no Node.js, one that runs TypeScript is asked for", async () => {
  const root = fixture();
  const { checkNode } = (await import(script)) as { checkNode(root: string, version: string): void };
  expect(() => checkNode(root, "20.20.2")).toThrow(
    /Node\.js 20\.20\.2 cannot run TypeScript: put Node\.js 22\.18 or newer/,
  );
  expect(() => checkNode(root, "22.17.9")).toThrow();
  expect(() => checkNode(root, "22.18.0")).not.toThrow();
  expect(() => checkNode(root, "24.0.0")).not.toThrow();
  writeScript(join(root, "node_modules", ".bin", "node"), "exit 0");
  expect(() => checkNode(root, "20.20.2")).not.toThrow();
});

test("it is plain JavaScript that needs no dependency", () => {
  execFileSync(process.execPath, ["--no-experimental-strip-types", "--check", script]);
});

test("what npm runs has the Node.js that the dependencies bring, from the first time on", () => {
  const root = fixture();
  cpSync(join(script, "../run"), join(root, "scripts", "run"));
  const bin = join(root, "node_modules", ".bin");
  const npm = writeScript(
    join(root, "bin", "npm"),
    `mkdir -p ${bin} && echo '#!/bin/sh' > ${bin}/node && echo 'echo own "$@"' >> ${bin}/node && chmod 755 ${bin}/node`,
  );
  const path = [bin, dirname(npm), dirname(process.execPath), "/usr/bin", "/bin"].join(":");
  const args = ["node", "x.ts", "a b"];
  const options = { env: { PATH: path, npm_execpath: "" }, encoding: "utf8" } as const;
  const { stdout, stderr } = spawnSync(join(root, "scripts", "run"), args, options);
  expect([stdout, stderr]).toEqual(["own x.ts a b\n", expect.stringContaining("Installed in")]);
});

test("install scripts of dependencies are switched off, and known are those that do without", () => {
  const root = join(script, "../..");
  const set = execFileSync("npm", ["config", "get", "ignore-scripts"], { cwd: root, encoding: "utf8" });
  expect(set.trim()).toBe("true");
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const withScript = Object.keys(packages).filter((path) => packages[path].hasInstallScript);
  // esbuild's puts its binary in place of a link to it; protobufjs' looks at the project's version of it.
  expect(withScript.sort()).toEqual(["node_modules/esbuild", "node_modules/protobufjs"]);
});
