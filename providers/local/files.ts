import type { DeployedStack } from "../../operations/outputs.ts";
import type { StoreSettings } from "../../service/storage/settings.ts";
import { LocalCloud } from "./cloud/client.ts";
import { operatorUrl } from "./cloud/endpoint.ts";
import { homeOf } from "./cloud/home.ts";
import { Store } from "./cloud/store.ts";

/** The bucket of a local cloud, for whoever may read its control plane's state. */
export async function filesOf({ stack, outputs }: DeployedStack): Promise<StoreSettings> {
  const bucket = outputs.bucketName;
  const home = homeOf(outputs.operator.cloud, stack);
  // Starts a control plane that does not run.
  if (!(await new LocalCloud(home).get("buckets", bucket)))
    throw new Error(`Stack ${stack} has no bucket ${bucket} (any more): npm run up makes it again.`);
  return { STORE: "local", BUCKET: bucket, IDENTITY_URL: operatorUrl(new Store(home).state, bucket) };
}
