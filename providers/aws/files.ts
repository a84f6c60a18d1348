import type { ObjectStore, PlaceOfObjects } from "../../operations/files.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { objectsIn } from "../../plugin/object-store.ts";
import type { StoreSettings } from "../../service/storage/settings.ts";
import { type AwsOperator, clientSettings } from "./outputs.ts";

/** The bucket of a stack on AWS, for whoever's own credentials may use it. */
export async function filesOf(stack: DeployedStack): Promise<StoreSettings> {
  const { region, profile } = clientSettings(stack);
  const { bucketName } = stack.outputs;
  return settingsOf(bucketName, { region, ...(profile && { profile }) });
}

/** The same bucket, for whoever deploys: `aws:profile` goes before the environment, as it does in AWS's provider. */
export function objectsOf({ bucket, access }: PlaceOfObjects): Promise<ObjectStore> {
  return objectsIn(settingsOf(bucket, access as AwsOperator));
}

function settingsOf(bucket: string, { region, profile }: AwsOperator): StoreSettings {
  return { STORE: "s3", BUCKET: bucket, AWS_REGION: region, ...(profile && { AWS_PROFILE: profile }) };
}
