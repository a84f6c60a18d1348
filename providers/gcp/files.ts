import type { DeployedStack } from "../../operations/outputs.ts";
import type { StoreSettings } from "../../service/storage/settings.ts";

/** The bucket of a stack on Google Cloud, for whoever's own credentials may use it. */
export async function filesOf({ outputs }: DeployedStack): Promise<StoreSettings> {
  return { STORE: "gcs", BUCKET: outputs.bucketName };
}
