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

/** What each folder `providers/<cloud>/` exports from its machine-images.ts. */
export interface ImagesModule {
  openImages(stack: DeployedStack): Images;
}
