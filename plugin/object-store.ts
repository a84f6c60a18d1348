import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { ObjectStore } from "../operations/files.ts";
import { openStore } from "../service/storage/index.ts";
import type { StoreSettings } from "../service/storage/settings.ts";

/** The objects of a whole bucket that the app's own client for it can reach. */
export async function objectsIn(settings: StoreSettings): Promise<ObjectStore> {
  const store = await openStore(settings, { prefix: "" });
  return {
    has: async (key, hash, signal) => (await store.stat(key, signal))?.hash === hash,
    async put(key, file, hash, signal) {
      const { size } = await stat(file);
      const contentType = "application/gzip";
      await store.put(key, createReadStream(file), { contentType, size, hash, signal });
    },
    delete: async (key, signal) => void (await store.delete(key, signal)),
    close: () => store.close(),
  };
}
