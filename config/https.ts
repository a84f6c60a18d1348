import type { Draft, Report, Settings } from "./settings.ts";

/** Where a load balancer listens when there is a certificate. */
export const httpsPort = 443;

/**
 * Reports what is wrong between a load balancer's certificate, host and port, for clouds that serve HTTPS.
 * @param certificates what a certificate looks like here, and what to say of one that does not
 */
export function checkHttps(
  settings: Draft<Settings["loadBalancer"]>,
  certificates: { readonly pattern: RegExp; readonly remedy: string },
  report: Report,
): void {
  const { certificate, host, port } = settings;
  if (!("certificate" in settings)) {
    if (host !== undefined)
      report("loadBalancer.host", host, "it is for HTTPS: give loadBalancer.certificate too");
    if (port === httpsPort) {
      const remedy = "that port is for HTTPS: give loadBalancer.certificate, or choose another, such as 80";
      report("loadBalancer.port", port, remedy);
    }
    return;
  }
  if (certificate !== undefined && !certificates.pattern.test(certificate))
    report("loadBalancer.certificate", certificate, certificates.remedy);
  if (!("host" in settings))
    report("loadBalancer.host", host, "say which name the certificate is for, such as api.example.org");
  if (port === httpsPort) {
    const remedy = `with a certificate, this port redirects to ${httpsPort}: choose another one, such as 80`;
    report("loadBalancer.port", port, remedy);
  }
}
