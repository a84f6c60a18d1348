import type { ObjectStore, PlaceOfObjects } from "../../operations/files.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { objectsIn } from "../../plugin/object-store.ts";
import type { StoreSettings } from "../../service/storage/settings.ts";
import { loginOf } from "./login.ts";
import { placeOf } from "./outputs.ts";

/** A container of a stack on OpenStack, with the operator's own login. */
async function settingsOf(
  bucket: string,
  place: { readonly authUrl: string; readonly region: string },
  key: string,
): Promise<StoreSettings> {
  return { STORE: "swift", BUCKET: bucket, ...(await loginOf(place)), SWIFT_TEMP_URL_KEY: key };
}

/** The files of a deployed stack. Links to them need a key of the container's, as `SWIFT_TEMP_URL_KEY`; nothing else does. */
export async function filesOf(stack: DeployedStack): Promise<StoreSettings> {
  const key = process.env.SWIFT_TEMP_URL_KEY || "none";
  return settingsOf(stack.outputs.bucketName, placeOf(stack), key);
}

/** The container of releases and runtimes, for whoever deploys. */
export async function objectsOf({ bucket, access }: PlaceOfObjects): Promise<ObjectStore> {
  const place = { authUrl: String(access.authUrl), region: String(access.region) };
  return objectsIn(await settingsOf(bucket, place, "none"));
}
