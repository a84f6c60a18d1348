import type { ObjectStore, PlaceOfObjects } from "../../operations/files.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { objectsIn } from "../../plugin/object-store.ts";
import type { S3Settings, StoreSettings, SwiftSettings } from "../../service/storage/settings.ts";
import { limitMs, openAccount } from "../../service/storage/swift-account.ts";
import { loginOf } from "./login.ts";
import { placeOf } from "./outputs.ts";

/**
 * The files of a deployed stack. Links to those in Swift are signed by a key of the container's, or of the account's, which
 * who owns it may read; `SWIFT_TEMP_URL_KEY` wins over that.
 */
export async function filesOf(stack: DeployedStack): Promise<StoreSettings> {
  const { s3Endpoint, s3Region = "", ...place } = placeOf(stack);
  const { bucketName } = stack.outputs;
  if (s3Endpoint !== undefined) return s3Settings(bucketName, { endpoint: s3Endpoint, region: s3Region });
  const settings = await swiftSettings(bucketName, place);
  const key = process.env.SWIFT_TEMP_URL_KEY || (await keyOfLinks(settings));
  return { ...settings, ...(key && { SWIFT_TEMP_URL_KEY: key }) };
}

/** The place of releases and runtimes, for whoever deploys. */
export async function objectsOf({ bucket, access }: PlaceOfObjects): Promise<ObjectStore> {
  const { endpoint, authUrl, region } = access as Readonly<Record<string, string>>;
  if (endpoint !== undefined) return objectsIn(s3Settings(bucket, { endpoint, region: String(region) }));
  return objectsIn(await swiftSettings(bucket, { authUrl: String(authUrl), region: String(region) }));
}

/** The first key that Swift knows for links to a container's files; undefined where there is none that may be seen. */
async function keyOfLinks(settings: SwiftSettings): Promise<string | undefined> {
  const account = openAccount(settings);
  try {
    for (const [kind, path] of [
      ["container", `/${settings.BUCKET}`],
      ["account", ""],
    ]) {
      const call = { method: "HEAD", path: String(path), signal: AbortSignal.timeout(limitMs) };
      const { headers } = await account.ask("looking for the key of links", call, 200, 204);
      const key = headers[`x-${kind}-meta-temp-url-key`];
      if (key) return String(key);
    }
    return undefined;
  } catch {
    // What else needs the store says why it cannot be reached; and without links, files are listed all the same.
    return undefined;
  } finally {
    await account.client.close();
  }
}

/** A container, with the operator's own login. */
export async function swiftSettings(
  bucket: string,
  place: { readonly authUrl: string; readonly region: string },
): Promise<SwiftSettings> {
  return { STORE: "swift", BUCKET: bucket, ...(await loginOf(place)) };
}

function s3Settings(
  bucket: string,
  place: { readonly endpoint: string; readonly region: string },
): S3Settings {
  s3Login();
  return { STORE: "s3", BUCKET: bucket, AWS_REGION: place.region, S3_ENDPOINT: place.endpoint };
}

/**
 * Asks for the operator's own access key. The SDK would otherwise look on, for keys that are another cloud's.
 *
 * @throws when the environment names none
 */
export function s3Login(): void {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE } = process.env;
  if (AWS_PROFILE || (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY)) return;
  throw new Error(
    "No access key for the object store: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (openstack ec2 credentials create), or AWS_PROFILE",
  );
}
