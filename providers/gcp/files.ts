import type { ObjectStore, PlaceOfObjects } from "../../operations/files.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { objectsIn } from "../../plugin/object-store.ts";
import type { StoreSettings } from "../../service/storage/settings.ts";

/** The bucket of a stack on Google Cloud, for whoever's own credentials may use it. */
export async function filesOf({ outputs }: DeployedStack): Promise<StoreSettings> {
  return { STORE: "gcs", BUCKET: outputs.bucketName };
}

/** The same bucket, for whoever deploys. */
export function objectsOf({ bucket }: PlaceOfObjects): Promise<ObjectStore> {
  return objectsIn({ STORE: "gcs", BUCKET: bucket });
}
