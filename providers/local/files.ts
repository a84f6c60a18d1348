import type { ObjectStore, PlaceOfObjects } from "../../operations/files.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import type { StoreSettings } from "../../service/storage/settings.ts";
import { LocalCloud } from "./cloud/client.ts";
import { operatorUrl } from "./cloud/endpoint.ts";
import { homeOf } from "./cloud/home.ts";
import { StateStore } from "./cloud/store.ts";

/** The bucket of a local cloud, for whoever may read its control plane's state. */
export async function filesOf({ stack, outputs }: DeployedStack): Promise<StoreSettings> {
  const bucket = outputs.bucketName;
  const home = homeOf(outputs.operator.cloud, stack);
  // Starts a control plane that does not run.
  if (!(await new LocalCloud(home).get("buckets", bucket)))
    throw new Error(`Stack ${stack} has no bucket ${bucket} (any more): npm run up makes it again.`);
  return { STORE: "local", BUCKET: bucket, IDENTITY_URL: operatorUrl(new StateStore(home).state, bucket) };
}

/** The same bucket, for whoever deploys: the control plane copies files, so that the runtime's 50 MB pass through nobody's memory. */
export async function objectsOf({ bucket, access, stack }: PlaceOfObjects): Promise<ObjectStore> {
  const home = homeOf(access.cloud, stack);
  return {
    async has(key, hash, signal) {
      const [algorithm = "", hex] = hash.split(":");
      return (await new LocalCloud(home, signal).objectHash(bucket, key, algorithm)) === hex;
    },
    put: (key, file, _hash, signal) => new LocalCloud(home, signal).putObject(bucket, key, file),
    list: (prefix, signal) => new LocalCloud(home, signal).listObjects(bucket, prefix),
    delete: (key, signal) => new LocalCloud(home, signal).deleteObject(bucket, key),
    close: async () => {},
  };
}
