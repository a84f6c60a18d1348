import { buildApp } from "../../service/app.ts";
import { run } from "../../service/run.ts";
import { openStore } from "../../service/storage/index.ts";
import { readStoreSettings } from "../../service/storage/settings.ts";

/** The app, with a store that gives up what stands still for `IDLE_MS`. */
void run(process.env, async (settings, options) => {
  const idleMs = Number(process.env.IDLE_MS);
  const store = await openStore(readStoreSettings(process.env), { idleMs });
  return buildApp(settings, { ...options, store });
});
