import ipaddr from "ipaddr.js";

/** An IPv4 address range: its first address as a 32-bit number, and how many leading bits are fixed. */
export interface Cidr {
  readonly first: number;
  readonly prefix: number;
}

/**
 * Reads `10.0.1.0/24`; undefined for anything else, also for an address that has bits set below the prefix
 * (`10.0.1.7/24`), which clouds refuse or silently change.
 */
export function parseCidr(text: string | undefined): Cidr | undefined {
  if (text === undefined || networkOf(text) !== text) return undefined;
  const [address, prefix] = ipaddr.IPv4.parseCIDR(text);
  return { first: address.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0), prefix };
}

/**
 * The range an address with a prefix lies in (`10.0.1.7/24` → `10.0.1.0/24`; a bare address counts as `/32`);
 * undefined for what is no IPv4 address.
 */
export function networkOf(text: string): string | undefined {
  const cidr = text.includes("/") ? text : `${text}/32`;
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr)) return undefined;
  return `${ipaddr.IPv4.networkAddressFromCIDR(cidr)}/${ipaddr.IPv4.parseCIDR(cidr)[1]}`;
}

/** How many addresses a range has. */
export function addressCount(cidr: Cidr): number {
  return 2 ** (32 - cidr.prefix);
}

/** Whether all of `inner` lies in `outer`. */
export function containsCidr(outer: Cidr, inner: Cidr): boolean {
  return inner.first >= outer.first && inner.first + addressCount(inner) <= outer.first + addressCount(outer);
}

/** Whether two ranges share an address; ranges either nest or are apart. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return containsCidr(a, b) || containsCidr(b, a);
}
