// Runs before the npm scripts, on whatever Node.js the host has (20 or newer), before any dependency is there:
// it installs the dependencies, the project's own Node.js among them, when they are not those of package-lock.json.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const oldest = [22, 18];

/**
 * Makes sure of the dependencies in `root`; quiet when there is nothing to do. Fails when npm does, and when
 * this platform has no Node.js package and the Node.js at hand is too old to run TypeScript.
 * @param {string} root the folder of package-lock.json
 */
export function prepare(root) {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  const stamp = createHash("sha256").update(`${lock}\n${process.platform}\n${process.arch}`).digest("hex");
  const file = join(root, "node_modules", ".switchyard-stamp");
  const found = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  if (found !== stamp) {
    if (!isInstalled(root, JSON.parse(lock))) install(root);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, stamp);
  }
  checkNode(root);
}

/**
 * Whether npm's own record of what it installed agrees with the lock file, as it does after `npm install` or
 * `npm ci` by hand. Entries for other platforms are in the lock file alone.
 * @param {string} root
 * @param {{ packages: Record<string, LockEntry> }} lock
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, os?: string | string[], cpu?: string | string[], libc?: string[] }} LockEntry
 */
function isInstalled(root, lock) {
  const file = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(file)) return false;
  const { packages: installed } = JSON.parse(readFileSync(file, "utf8"));
  const expected = Object.entries(lock.packages).filter(([path]) => path !== "");
  const isThere = ([path, { version, integrity, optional, os, cpu, libc }]) => {
    const entry = installed[path];
    if (entry !== undefined) return entry.version === version && entry.integrity === integrity;
    const isOurs = !libc && os?.includes(process.platform) && cpu?.includes(process.arch);
    return optional && !isOurs;
  };
  return Object.keys(installed).every((path) => lock.packages[path] !== undefined) && expected.every(isThere);
}

/** @param {string} root */
function install(root) {
  console.error("Installing dependencies (npm ci)…");
  const start = Date.now();
  const args = ["ci", "--loglevel=error", "--no-audit", "--no-fund"];
  const { npm_execpath: npm = "", npm_node_execpath: node = process.execPath } = process.env;
  const [command, ...first] = npm.endsWith("npm-cli.js") ? [node, npm] : ["npm"];
  const { status, error } = spawnSync(command, [...first, ...args], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    const why = error?.message ?? `it ended with exit code ${status}`;
    throw new Error(`npm ci failed in ${root}: ${why}. See npm's own lines above, then run it again.`);
  }
  console.error(`Installed in ${((Date.now() - start) / 1000).toFixed(1)} s.`);
}

/**
 * Fails when `version` of Node.js cannot run TypeScript and the dependencies brought none for this platform.
 * @param {string} root
 * @param {string} version
 */
export function checkNode(root, version = process.versions.node) {
  if (existsSync(join(root, "node_modules", ".bin", "node"))) return;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  throw new Error(
    `There is no Node.js package for ${process.platform}-${process.arch} among the dependencies, and Node.js ` +
      `${version} cannot run TypeScript: put Node.js ${oldest.join(".")} or newer on the PATH.`,
  );
}

if (process.argv[1] && import.meta.filename === resolve(process.argv[1])) {
  try {
    prepare(join(import.meta.dirname, ".."));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
