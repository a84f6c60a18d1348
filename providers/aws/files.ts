import type { DeployedStack } from "../../operations/outputs.ts";
import type { StoreSettings } from "../../service/storage/settings.ts";
import { clientSettings } from "./outputs.ts";

/** The bucket of a stack on AWS, for whoever's own credentials may use it. */
export async function filesOf(stack: DeployedStack): Promise<StoreSettings> {
  const { region, profile } = clientSettings(stack);
  const { bucketName } = stack.outputs;
  return { STORE: "s3", BUCKET: bucketName, AWS_REGION: region, ...(profile && { AWS_PROFILE: profile }) };
}
