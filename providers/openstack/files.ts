import type { ObjectStore, PlaceOfObjects } from "../../operations/files.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { objectsIn } from "../../plugin/object-store.ts";
import { readStoreSettings, type StoreSettings } from "../../service/storage/settings.ts";
import { placeOf } from "./outputs.ts";

/** The containers of a stack on OpenStack, for whoever's login the environment has (`OS_…`). */
function settingsOf(bucket: string, place: { authUrl: string; region: string }, key: string): StoreSettings {
  return readStoreSettings({
    ...process.env,
    STORE: "swift",
    BUCKET: bucket,
    OS_AUTH_URL: place.authUrl,
    OS_REGION_NAME: place.region,
    SWIFT_TEMP_URL_KEY: key,
  });
}

/** The files of a deployed stack. Links to them need a key of the container's, as `SWIFT_TEMP_URL_KEY`; nothing else does. */
export async function filesOf(stack: DeployedStack): Promise<StoreSettings> {
  const key = process.env.SWIFT_TEMP_URL_KEY || "none";
  return settingsOf(stack.outputs.bucketName, placeOf(stack), key);
}

/** The container of releases and runtimes, for whoever deploys. */
export async function objectsOf({ bucket, access }: PlaceOfObjects): Promise<ObjectStore> {
  const place = { authUrl: String(access.authUrl), region: String(access.region) };
  return objectsIn(settingsOf(bucket, place, "none"));
}
