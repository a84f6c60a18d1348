import * as pulumi from "@pulumi/pulumi";
import type { ReleaseBuild } from "../release/build.ts";
import { type Platform, releaseKey, runtimeOf } from "../release/runtimes.ts";
import type { Bucket } from "./bucket.ts";

/** The Node.js that machines run: an object in the bucket, and the hex SHA-512 that it must have. */
export interface Runtime {
  readonly key: pulumi.Output<string>;
  readonly sha512: string;
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
      { key: releaseKey(sha256), content: { file, sha256 } },
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
