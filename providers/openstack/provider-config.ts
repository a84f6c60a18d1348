import type { Report } from "../../config/settings.ts";

/**
 * Keys of the OpenStack provider's own configuration that what this project itself asks of OpenStack (the upload of
 * releases, `npm run files`) would not heed. It takes the environment's login.
 */
export const unheeded: ReadonlySet<string> = new Set([
  "applicationCredentialId",
  "applicationCredentialName",
  "applicationCredentialSecret",
  "cacertFile",
  "cert",
  "cloud",
  "defaultDomain",
  "domainId",
  "domainName",
  "endpointOverrides",
  "endpointType",
  "insecure",
  "key",
  "password",
  "projectDomainId",
  "projectDomainName",
  "swauth",
  "tenantId",
  "tenantName",
  "token",
  "userDomainId",
  "userDomainName",
  "userId",
  "userName",
]);

/** Refuses what the provider's own configuration (`openstack:…`) may not say, and asks for what machines must be told. */
export function checkProviderConfig(raw: Readonly<Record<string, string>>, report: Report): void {
  for (const key of Object.keys(raw)) {
    const [, name = ""] = /^openstack:(\w+)$/.exec(key) ?? [];
    if (!unheeded.has(name)) continue;
    // Not the value: it may be a credential.
    report(
      key,
      "…",
      "not every part of a deployment would heed it: set it in the environment (OS_USERNAME, OS_PASSWORD and so on, as the cloud's openrc file does)",
    );
  }
  const authUrl = raw["openstack:authUrl"];
  if (!authUrl || !/^https?:\/\/[^\s/]+\S*$/.test(authUrl)) {
    const remedy =
      "say where Keystone is, such as https://keystone.example.org/v3 (openstack endpoint list --service identity)";
    report("openstack:authUrl", authUrl, remedy);
  }
  const region = raw["openstack:region"];
  if (!region)
    report("openstack:region", region, "say which region, such as RegionOne (openstack region list)");
  const octavia = raw["openstack:useOctavia"];
  if (octavia !== "true")
    report("openstack:useOctavia", octavia, "load balancers are Octavia's: it must be true");
}
