import type { StoreSettings } from "../service/storage/settings.ts";
import type { Store, StoredFile } from "../service/storage/store.ts";
import type { DeployedStack } from "./outputs.ts";

/** A bucket's objects, as the deployment itself stores them; each call ends when its signal is aborted. */
export interface ObjectStore {
  /** Whether there is an object of this content. @param hash such as `sha256:` and hex digits */
  has(key: string, hash: string, signal: AbortSignal): Promise<boolean>;
  /** Stores a file of this machine, of which the hash is known to be right. */
  put(key: string, file: string, hash: string, signal: AbortSignal): Promise<void>;
  delete(key: string, signal: AbortSignal): Promise<void>;
  /** Every object whose key starts so, in the order of their keys. */
  list(prefix: string, signal: AbortSignal): Promise<StoredFile[]>;
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

/** Every file of a store whose name starts so, page by page. */
export async function* filesIn(
  store: Store,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<StoredFile, void, undefined> {
  let after: string | undefined;
  do {
    const { files, more } = await store.list({
      limit: 1000,
      ...(prefix && { prefix }),
      ...(after !== undefined && { after }),
      signal,
    });
    yield* files;
    after = more ? files.at(-1)?.name : undefined;
  } while (after !== undefined);
}
