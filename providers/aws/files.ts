import type { DeployedStack } from "../../operations/machines.ts";
import type { StoreSettings } from "../../service/storage/settings.ts";
import { groupsOf } from "./outputs.ts";

/** The bucket of a stack on AWS, for whoever's own credentials may use it. */
export async function filesOf({ stack, outputs }: DeployedStack): Promise<StoreSettings> {
  const [group] = groupsOf(outputs);
  if (!group || typeof outputs.bucketName !== "string")
    throw new Error(`Stack ${stack} has no bucket: npm run up makes one.`);
  return { STORE: "s3", BUCKET: outputs.bucketName, AWS_REGION: group.region };
}
