import type { Draft, Report, Settings } from "../../config/settings.ts";

/**
 * Keys of the AWS provider's own configuration that what this project itself sends to AWS (the upload of Node.js, tags
 * of running machines, `npm run machines`, `logs` and `files`) would not heed. It takes the environment's credentials.
 */
export const unheeded: ReadonlySet<string> = new Set([
  "accessKey",
  "assumeRoleWithWebIdentity",
  "assumeRoles",
  "customCaBundle",
  "ec2MetadataServiceEndpoint",
  "ec2MetadataServiceEndpointMode",
  "endpoints",
  "httpProxy",
  "httpsProxy",
  "insecure",
  "noProxy",
  "s3UsEast1RegionalEndpoint",
  "s3UsePathStyle",
  "secretKey",
  "sharedConfigFiles",
  "sharedCredentialsFiles",
  "stsRegion",
  "token",
  "useDualstackEndpoint",
  "useFipsEndpoint",
]);

/** Keys that are heeded, or that concern the provider's resources alone. */
export const heeded: ReadonlySet<string> = new Set([
  "allowedAccountIds",
  "defaultTags",
  "forbiddenAccountIds",
  "ignoreTags",
  "maxRetries",
  "profile",
  "region",
  "retryMode",
  "skipCredentialsValidation",
  "skipMetadataApiCheck",
  "skipRegionValidation",
  "skipRequestingAccountId",
  "tagPolicyCompliance",
  "tokenBucketRateLimiterCapacity",
  "userAgents",
]);

/** Refuses what the AWS provider's own configuration (`aws:…`) may not say, and zones and certificates of another region. */
export function checkProviderConfig(
  { network, loadBalancer }: Draft<Settings>,
  report: Report,
  raw: Readonly<Record<string, string>>,
): void {
  for (const key of Object.keys(raw)) {
    const [, name = ""] = /^aws:(\w+)$/.exec(key) ?? [];
    if (!unheeded.has(name)) continue;
    // Not the value: it may be a credential.
    report(
      key,
      "…",
      "not every part of a deployment would heed it: set it in the environment, or in a profile that aws:profile names",
    );
  }
  const region = raw["aws:region"];
  if (!region) {
    report("aws:region", undefined, "say where to deploy, such as us-east-1");
    return;
  }
  if (region.startsWith("cn-")) {
    const remedy =
      "regions in China are not supported, because machines fetch from amazonaws.com; choose another";
    report("aws:region", region, remedy);
    return;
  }
  for (const [index, { zone }] of (network?.subnets ?? []).entries()) {
    if (zone === undefined || isZoneOf(region, zone)) continue;
    report(
      `network.subnets[${index}].zone`,
      zone,
      `it must be a zone of aws:region, which is ${region}, such as ${region}a; or change aws:region`,
    );
  }
  const [, , , place] = loadBalancer?.certificate?.split(":") ?? [];
  if (place !== undefined && place !== region) {
    report(
      "loadBalancer.certificate",
      loadBalancer?.certificate,
      `it must be a certificate of aws:region, ${region}, where the load balancer is`,
    );
  }
}

/** `us-east-1a` is of `us-east-1`, and so is the local zone `us-east-1-bos-1a`; one of `us-east-11` is not. */
function isZoneOf(region: string, zone: string): boolean {
  return zone.startsWith(region) && /^(-[a-z]+-\d+)?[a-z]$/.test(zone.slice(region.length));
}
