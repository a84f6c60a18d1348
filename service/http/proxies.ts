import { BlockList, isIP } from "node:net";
import type { ServiceSettings } from "../settings/settings.ts";

/**
 * Whether one of these ranges, each in CIDR notation, has an address; IPv4 within IPv6 counts as the IPv4 that it is. None has
 * that of a connection that ended before anybody asked whose it was: it is undefined.
 */
export function addressMatcher(ranges: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    list.addSubnet(network, Number(prefix), isIP(network) === 6 ? "ipv6" : "ipv4");
  }
  return (address) => {
    if (address === undefined) return false;
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 6 ? "ipv6" : "ipv4");
  };
}

/**
 * Fastify's `trustProxy`: which address is the client's. Only what the cloud's own load balancer has appended to
 * X-Forwarded-For counts, when it is the load balancer that the request came from: as many entries from the end as it
 * appends. What stands before those is the client's own word, whatever addresses it names.
 */
export function trustedHops({
  TRUSTED_PROXIES,
  PROXY_HOPS,
}: ServiceSettings): (address: string | undefined, hop: number) => boolean {
  const isProxy = addressMatcher(TRUSTED_PROXIES);
  return (address, hop) => (hop === 0 ? isProxy(address) : hop < PROXY_HOPS);
}
