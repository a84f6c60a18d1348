import type { Draft, Report, Settings } from "../../config/settings.ts";
import { regionOf, regionOfZone } from "./zones.ts";

/**
 * Keys of the Google Cloud provider's own configuration that what this project itself asks of Google (the upload of
 * Node.js, `npm run machines`, `logs` and `files`) would not heed. It takes the environment's credentials.
 */
export const unheeded: ReadonlySet<string> = new Set([
  "accessToken",
  "credentials",
  "externalCredentials",
  "impersonateServiceAccount",
  "impersonateServiceAccountDelegates",
  "universeDomain",
]);

/** Refuses what the provider's own configuration (`gcp:…`) may not say, and zones of more than one region. */
export function checkProviderConfig(
  { network = {} }: Draft<Settings>,
  report: Report,
  raw: Readonly<Record<string, string>>,
): void {
  for (const key of Object.keys(raw)) {
    const [, name = ""] = /^gcp:(\w+)$/.exec(key) ?? [];
    if (!unheeded.has(name) && !name.endsWith("CustomEndpoint")) continue;
    // Not the value: it may be a credential.
    report(
      key,
      "…",
      "not every part of a deployment would heed it: set it in the environment (GOOGLE_APPLICATION_CREDENTIALS, gcloud auth application-default login)",
    );
  }
  const project = raw["gcp:project"];
  if (!project || !/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(project)) {
    report(
      "gcp:project",
      project,
      "say which Google Cloud project to deploy to, by its id, such as lab-123456",
    );
  }
  checkZones(network, report, raw);
}

/** A deployment is in one region; a subnet spans its zones, of which each names those where machines are placed. */
function checkZones(
  network: Draft<Settings["network"]>,
  report: Report,
  raw: Readonly<Record<string, string>>,
): void {
  const region = regionOf(network);
  for (const [index, { zone }] of (network.subnets ?? []).entries()) {
    const own = regionOfZone(zone);
    const key = `network.subnets[${index}].zone`;
    if (own === undefined)
      report(key, zone, "it must be a zone of Google Cloud's, where machines are placed, such as us-west1-b");
    else if (own !== region)
      report(key, zone, `all zones must be of one region, which is ${region} by the first`);
  }
  if (region === undefined) return;
  const given = raw["gcp:region"];
  if (given && given !== region)
    report("gcp:region", given, `the subnets' zones are in ${region}: leave it out, or change the zones`);
  const zone = raw["gcp:zone"];
  if (zone && regionOfZone(zone) !== region)
    report("gcp:zone", zone, `the subnets' zones are in ${region}: leave it out, or change the zones`);
}
