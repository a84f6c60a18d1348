import { isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import { openFilesLimit } from "../open-files.ts";

/** Connections that clients have at most, all together and each, where the limit on open files allows as many. */
const mostConnections = 10_000;
const mostByClient = 1_000;

/** Connections that an endpoint of machines has at most; each may read one file. */
const mostOfEndpoint = 1_000;

/** Open files that are kept for all that is neither a client's nor a machine's connection: logs, state, health checks. */
const keptFiles = 128;

/** How many connections there may be, so that open files never run out. */
export interface Limits {
  /** Clients' connections. */
  readonly connections: number;
  /** Of these, one client's: an IPv4 address, or the /64 of an IPv6 address. */
  readonly byClient: number;
  /** Connections to machines that are kept while no request uses them. */
  readonly idle: number;
  /** Connections to the machines' identity endpoint. */
  readonly endpoint: number;
}

/**
 * Shares the open files that a process may have: a quarter for clients, one for the machines that answer them, one for idle
 * connections to machines, one for the endpoint and the files it reads. One client gets half of the clients' part.
 *
 * @param openFiles as `ulimit -n` has it
 */
export function limitsFor(openFiles: number): Limits {
  const part = Math.max(4, Math.floor((openFiles - keptFiles) / 4));
  return {
    connections: Math.min(mostConnections, part),
    byClient: Math.min(mostByClient, Math.floor(part / 2)),
    idle: Math.min(mostConnections, part),
    endpoint: Math.min(mostOfEndpoint, Math.floor(part / 2)),
  };
}

/** The connections that the load balancers of one process have, counted against its limits. */
export class Connections {
  readonly limits: Limits;
  readonly #byClient = new Map<string, number>();
  #clients = 0;
  #toMachines = 0;

  constructor(limits: Limits = limitsFor(openFilesLimit())) {
    this.limits = limits;
  }

  /**
   * Counts a client's connection until `leave` is called for it, unless there are too many.
   *
   * @returns the limit that stands against it, in words; undefined when it may stay
   */
  enter(address: string): string | undefined {
    const { connections, byClient } = this.limits;
    const client = clientOf(address);
    const own = this.#byClient.get(client) ?? 0;
    if (own >= byClient) return `a client may have ${byClient} connections`;
    if (this.#clients >= connections) return `clients may have ${connections} connections together`;
    this.#clients++;
    this.#byClient.set(client, own + 1);
    return undefined;
  }

  leave(address: string): void {
    const client = clientOf(address);
    const rest = (this.#byClient.get(client) ?? 1) - 1;
    this.#clients--;
    if (rest === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, rest);
  }

  /** A connection to a machine was opened (1) or closed (-1). */
  countMachine(change: 1 | -1): void {
    this.#toMachines += change;
  }

  /** Whether connections to machines are closed after use, because so many are open. */
  get scarce(): boolean {
    return this.#toMachines >= this.limits.idle;
  }
}

/** Who counts as one client: of IPv6 a /64, which one customer has all of. */
function clientOf(address: string): string {
  if (!isIPv6(address)) return address;
  return ipaddr.parse(address).toByteArray().slice(0, 8).join(".");
}
