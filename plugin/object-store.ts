import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import mime from "mime";
import { filesIn, type ObjectStore } from "../operations/files.ts";
import { openStore } from "../service/storage/index.ts";
import type { StoreSettings } from "../service/storage/settings.ts";

/** The objects of a whole bucket that the app's own client for it can reach. */
export async function objectsIn(settings: StoreSettings): Promise<ObjectStore> {
  const store = await openStore(settings, { prefix: "" });
  return {
    has: async (key, hash, signal) => (await store.stat(key, signal))?.hash === hash,
    async put(key, file, hash, signal) {
      const { size } = await stat(file);
      const contentType = mime.getType(key) ?? "application/octet-stream";
      await store.put(key, createReadStream(file), { contentType, size, hash, signal });
    },
    list: (prefix, signal) => Array.fromAsync(filesIn(store, prefix, signal)),
    delete: async (key, signal) => void (await store.delete(key, signal)),
    close: () => store.close(),
  };
}
