import type { Draft, Report, Settings } from "./settings.ts";

/** Where a load balancer listens when there is a certificate. */
export const httpsPort = 443;

/**
 * Reports what is wrong between a load balancer's certificate, host and port, for clouds that serve HTTPS.
 * @param at the key that has them
 * @param certificates what a certificate looks like here, and what to say of one that does not
 */
export function checkHttps(
  settings: Draft<Pick<Settings["loadBalancer"], "certificate" | "host" | "port">>,
  certificates: { readonly pattern: RegExp; readonly remedy: string },
  reportOf: Report,
  at = "loadBalancer",
): void {
  const report: Report = (key, ...rest) => reportOf(`${at}.${key}`, ...rest);
  const { certificate, host, port } = settings;
  if (!("certificate" in settings)) {
    if (host !== undefined) report("host", host, `it is for HTTPS: give ${at}.certificate too`);
    if (port === httpsPort) {
      const remedy = `that port is for HTTPS: give ${at}.certificate, or choose another, such as 80`;
      report("port", port, remedy);
    }
    return;
  }
  if (certificate !== undefined && !certificates.pattern.test(certificate))
    report("certificate", certificate, certificates.remedy);
  if (!("host" in settings))
    report("host", host, "say which name the certificate is for, such as api.example.org");
  if (port === httpsPort) {
    const remedy = `with a certificate, this port redirects to ${httpsPort}: choose another one, such as 80`;
    report("port", port, remedy);
  }
}
