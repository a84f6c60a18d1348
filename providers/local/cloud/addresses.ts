import { createServer } from "node:net";
import ipaddr from "ipaddr.js";

/** The first host of a subnet that machines get: the ones below are the cloud's own, as routers and name servers are elsewhere. */
const firstHost = 11;

/** The loopback twin of an address: `10.77.1.11` is `127.77.1.11` here. */
function loopbackTwin(octets: readonly number[]): string {
  return [127, ...octets.slice(1)].join(".");
}

/** Every address that machines of a subnet may have, in order. */
export function* machineAddresses(cidr: string): Generator<string> {
  const [network, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  const base = network.octets.reduce((value, octet) => value * 256 + octet, 0);
  const last = 2 ** (32 - prefix) - 2;
  for (let host = firstHost; host <= last; host += 1) {
    const address = base + host;
    yield loopbackTwin([24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256));
  }
}

/** Whether a machine's address is one of a subnet's. */
export function isInSubnet(address: string, cidr: string): boolean {
  const [network, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  return ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parse(loopbackTwin(network.octets)), prefix);
}

/** Whether nothing on this host listens on the address and port. */
export function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(false) : reject(error),
    );
    probe.listen({ host: address, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/**
 * A free address for a new machine, in the first of the subnets that has one.
 *
 * @throws when all are taken, naming the subnets
 */
export async function allocateAddress(
  subnets: readonly string[],
  port: number,
  taken: ReadonlySet<string>,
): Promise<string> {
  for (const subnet of subnets) {
    for (const address of machineAddresses(subnet)) {
      if (!taken.has(address) && (await isFree(address, port))) return address;
    }
  }
  throw new Error(
    `no free address for a machine on port ${port} in ${subnets.join(", ")}: make the subnets larger (switchyard:network)`,
  );
}
