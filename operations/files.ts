import type { StoreSettings } from "../service/storage/settings.ts";
import type { DeployedStack } from "./outputs.ts";

/** A bucket's objects, as the deployment itself stores them; each call ends when its signal is aborted. */
export interface ObjectStore {
  /** Whether there is an object of this content. @param hash such as `sha256:` and hex digits */
  has(key: string, hash: string, signal: AbortSignal): Promise<boolean>;
  /** Stores a file of this machine, of which the hash is known to be right. */
  put(key: string, file: string, hash: string, signal: AbortSignal): Promise<void>;
  delete(key: string, signal: AbortSignal): Promise<void>;
  /** Lets go of connections. */
  close(): Promise<void>;
}

/** Where objects are: what the cloud's own bucket says of it (`ObjectPlace`), once it is there. */
export interface PlaceOfObjects {
  readonly bucket: string;
  readonly access: Readonly<Record<string, unknown>>;
  /** The stack's name now. */
  readonly stack: string;
}

/** What each folder `providers/<cloud>/` exports from its files.ts. */
export interface FilesModule {
  /** How to reach a deployed stack's bucket with the operator's own rights, for `openStore` (service/storage/). */
  filesOf(stack: DeployedStack): Promise<StoreSettings>;
  /** Opens the bucket for the deployment's own objects, with the rights of who deploys. */
  objectsOf(place: PlaceOfObjects): Promise<ObjectStore>;
}
