import type { StoreOptions, StoreSettings } from "./settings.ts";
import type { BucketStore } from "./store.ts";

/**
 * Opens the selected store. Its file, and with it its SDK, is loaded by this call alone: the release has each store as a
 * file of its own (release/build.ts). No request is made yet.
 */
export async function openStore(settings: StoreSettings, options?: StoreOptions): Promise<BucketStore> {
  switch (settings.STORE) {
    case "s3":
      return (await import("./s3.ts")).openS3(settings, options);
    case "gcs":
      return (await import("./gcs.ts")).openGcs(settings, options);
    case "swift":
      return (await import("./swift.ts")).openSwift(settings, options);
    case "local":
      return (await import("./local.ts")).openLocal(settings, options);
  }
}
