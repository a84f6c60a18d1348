import type { StoreSettings } from "../service/storage/settings.ts";
import type { DeployedStack } from "./outputs.ts";

/** What each folder `providers/<cloud>/` exports from its files.ts. */
export interface FilesModule {
  /** How to reach a deployed stack's bucket with the operator's own rights, for `openStore` (service/storage/). */
  filesOf(stack: DeployedStack): Promise<StoreSettings>;
}
