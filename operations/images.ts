import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DeployedStack } from "./outputs.ts";

/** An image that machines can boot, with the runtime and a release installed. */
export interface Image {
  /** What the configuration names it by (`switchyard:image`). */
  readonly id: string;
  readonly name: string;
  /** Hex SHA-256 of its release. */
  readonly release: string;
  /** The machine that it was made of, by the cloud's own id. */
  readonly of: string;
  readonly createdAt: Date;
}

/** Images that were made of a deployed stack's machines, by the operator's own rights. They stay when the stack goes. */
export interface Images {
  /** What a name must be like, and how to say so, to follow "it must be". */
  readonly names: { readonly pattern: RegExp; readonly expected: string };
  /** What to put into the stack's file to boot machines from an image. Default: `switchyard:image`, with its id. */
  setting?(id: string): string;
  /** Makes one of a running machine, sealed: nothing of the machine's own is in it. Resolves once machines can boot it. */
  create(machine: string, name: string): Promise<Image>;
  list(): Promise<Image[]>;
  /** @throws while machines depend on it, where the cloud says so */
  remove(id: string): Promise<void>;
}

/** What a copy of a machine runs to take away what is the machine's own, and to switch itself off. */
export const sealScript = readFileSync(join(import.meta.dirname, "../release/seal.sh"), "utf8");

/**
 * Works with a copy of a machine, which is gone afterwards; so is first what an earlier run left that was cut off.
 *
 * @param machine by the cloud's own id
 * @param remove removes the copy of this name; one that is not there is no error
 */
export async function withCopy<T>(
  machine: string,
  remove: (copy: string) => Promise<void>,
  work: (copy: string) => Promise<T>,
): Promise<T> {
  const copy = `sealing-${machine}`;
  await remove(copy);
  try {
    return await work(copy);
  } finally {
    await remove(copy);
  }
}

/** What each folder `providers/<cloud>/` exports from its machine-images.ts. */
export interface ImagesModule {
  openImages(stack: DeployedStack): Images;
}
