import * as pulumi from "@pulumi/pulumi";
import type { ReleaseBuild } from "../release/build.ts";
import { type Platform, releaseKey, runtimeOf } from "../release/runtimes.ts";
import type { Bucket, ObjectContent } from "./bucket.ts";

/** The Node.js that machines run: an object in the bucket, and the hex SHA-512 that it must have. */
export interface Runtime {
  readonly key: pulumi.Output<string>;
  readonly sha512: string;
}

/** What machines boot: a release in the bucket, and the Node.js it runs on. */
export interface MachineRelease {
  /** Hex SHA-256 of the archive; every answer of the app carries it as `x-release`. */
  readonly sha256: string;
  readonly key: pulumi.Output<string>;
  /** The Node.js for a platform, stored when the first cluster asks for it. */
  runtime(platform: Platform): Runtime;
}

export interface ReleaseArgs {
  readonly bucket: Bucket;
  /** What was built, or the hex SHA-256 of what an earlier deployment stored. */
  readonly build: ReleaseBuild | string;
}

/**
 * The release of a stack: the packed service, named by its content, and the Node.js it runs on, an object of its own for
 * each platform that a cluster asks for. Clusters may run others, which the bucket still keeps.
 */
export class Release extends pulumi.ComponentResource implements MachineRelease {
  readonly sha256: string;
  readonly key: pulumi.Output<string>;
  readonly #bucket: Bucket;
  readonly #kept = new Map<string, MachineRelease>();
  readonly #runtimes = new Map<Platform, Runtime>();

  constructor(name: string, args: ReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("switchyard:index:Release", name, {}, opts);
    const { bucket, build } = args;
    this.#bucket = bucket;
    this.sha256 = typeof build === "string" ? build : build.sha256;
    this.key = this.#store("release", this.sha256, typeof build === "string" ? { kept: build } : build);
    this.#kept.set(this.sha256, this);
    this.registerOutputs({ sha256: this.sha256 });
  }

  #store(name: string, sha256: string, content: ObjectContent): pulumi.Output<string> {
    return this.#bucket.store(name, { key: releaseKey(sha256), content }, { parent: this }).key;
  }

  /** Another release that an earlier deployment stored, by its hex SHA-256; the deployment fails where it is not there. */
  kept(sha256: string): MachineRelease {
    const known = this.#kept.get(sha256);
    if (known) return known;
    const key = this.#store(`release-${sha256.slice(0, 12)}`, sha256, { kept: sha256 });
    const kept = { sha256, key, runtime: (platform: Platform) => this.runtime(platform) };
    this.#kept.set(sha256, kept);
    return kept;
  }

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
