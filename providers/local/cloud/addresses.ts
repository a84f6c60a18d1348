import { createServer } from "node:net";
import ipaddr from "ipaddr.js";
import type { GroupSpec } from "./specs.ts";
import type { MachineRecord } from "./store.ts";

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

/** How many machines a subnet with a prefix of so many bits has addresses for. */
export function usableAddresses(prefix: number): number {
  return Math.max(0, 2 ** (32 - prefix) - firstHost - 1);
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
 * @throws when all are taken, naming the subnets, and whether machines or another program have them
 */
export async function allocateAddress(
  subnets: readonly string[],
  port: number,
  taken: ReadonlySet<string>,
): Promise<string> {
  let held = 0;
  for (const subnet of subnets) {
    for (const address of machineAddresses(subnet)) {
      if (taken.has(address)) continue;
      if (await isFree(address, port)) return address;
      held += 1;
    }
  }
  if (held > 0) {
    throw new Error(
      `another program listens on port ${port} of every address that is left in ${subnets.join(", ")}: end it, or choose another port (switchyard:app)`,
    );
  }
  throw new Error(
    `no free address for a machine on port ${port} in ${subnets.join(", ")}: make the subnets larger (switchyard:network)`,
  );
}

/** Addresses for machines that are being started, each held until its machine is recorded. */
export class AddressPool {
  readonly #reserved = new Map<string, string>();
  #reserving: Promise<unknown> = Promise.resolve();

  /**
   * A free address in the subnet where the group has fewest; one at a time, so that each knows the others.
   *
   * @param machines every machine there is at the moment it is called
   * @throws when all addresses are taken, naming the subnets
   */
  reserve(group: string, spec: GroupSpec, machines: () => readonly MachineRecord[]): Promise<string> {
    const reserved = this.#reserving.then(async () => {
      const taken = new Map([
        ...machines().map((one) => [one.address, one.group] as const),
        ...this.#reserved,
      ]);
      const own = [...taken].filter(([, holder]) => holder === group).map(([address]) => address);
      const ownIn = (subnet: string) => own.filter((address) => isInSubnet(address, subnet)).length;
      const subnets = spec.subnets.toSorted((a, b) => ownIn(a) - ownIn(b));
      const address = await allocateAddress(subnets, spec.port, new Set(taken.keys()));
      this.#reserved.set(address, group);
      return address;
    });
    this.#reserving = reserved.catch(() => {});
    return reserved;
  }

  release(address: string): void {
    this.#reserved.delete(address);
  }
}
