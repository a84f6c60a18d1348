import { BlockList, isIP } from "node:net";
import type { HealthCheck } from "../../../../config/settings.ts";

/** One machine that may answer requests. */
export interface Target {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Whether it is known to be healthy already: it gets requests before its first check. Default false. */
  readonly healthy?: boolean;
}

/** A group of machines, and which requests it gets. */
export interface ProxyBackend {
  readonly name: string;
  /** Requests to `path` and `path/…` go to this backend. Backends' paths are tried in the order of the list. */
  readonly path?: string | undefined;
  /** Share of the requests that match no path, relative to the other weights; 0 takes none. */
  readonly weight: number;
}

/** What a load balancer listens on, and what it does with what it gets. */
export interface ListenerSpec {
  readonly address: string;
  /** 0 takes a free port (`LoadBalancer.address` tells which). */
  readonly port: number;
  /** CIDRs (or single addresses) that may connect. An empty list lets nobody in. */
  readonly allow: readonly string[];
  readonly healthCheck: HealthCheck;
  readonly backends: readonly ProxyBackend[];
  /**
   * Names that it may be asked by, in lower case, besides IP addresses: a page of another name's, which a browser was led
   * here by (DNS rebinding), reads nothing. Absent: any.
   */
  readonly hosts?: readonly string[];
  /** How long requests in flight may go on when their machine or listener leaves, in seconds. */
  readonly drainSeconds: number;
  /**
   * Seconds without a byte after which a connection is given up; also how long a machine may take to begin its
   * answer (then 504). Default 60, as on AWS.
   */
  readonly idleTimeoutSeconds?: number;
}

/** `initial`: not healthy yet. `draining`: removed, finishing its requests. */
export type TargetState = "initial" | "healthy" | "unhealthy" | "draining";

export interface TargetHealth {
  readonly backend: string;
  readonly id: string;
  readonly state: TargetState;
  /** Why the target is not healthy, or what was last wrong with it. */
  readonly reason?: string;
}

/** The part of a pino logger that the load balancer uses. */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Throws an error that names the first wrong value of a listener's specification and what it may be. */
export function validateSpec(spec: ListenerSpec): void {
  const refuse = (what: string, value: unknown, remedy: string) => {
    throw new Error(`Load balancer: ${what} is ${JSON.stringify(value)}; it must be ${remedy}.`);
  };
  if (isIP(spec.address) === 0) refuse("address", spec.address, "an IP address of this machine");
  if (!isWhole(spec.port, 0, 65535)) refuse("port", spec.port, "a whole number from 0 to 65535");
  if (!(spec.drainSeconds >= 0)) refuse("drainSeconds", spec.drainSeconds, "0 or more");
  const idle = spec.idleTimeoutSeconds ?? 60;
  if (!(idle > 0)) refuse("idleTimeoutSeconds", idle, "more than 0");
  const check = spec.healthCheck;
  if (!check.path.startsWith("/")) refuse("healthCheck.path", check.path, "a path that starts with /");
  for (const key of [
    "intervalSeconds",
    "timeoutSeconds",
    "healthyThreshold",
    "unhealthyThreshold",
  ] as const) {
    if (!(check[key] > 0)) refuse(`healthCheck.${key}`, check[key], "more than 0");
  }
  const names = new Set<string>();
  for (const { name, path, weight } of spec.backends) {
    if (names.has(name)) refuse("a second backend's name", name, "a name that no other backend has");
    names.add(name);
    if (path !== undefined && !/^\/[^?#\s]*[^/?#\s]$/.test(path)) {
      refuse(`the path of backend '${name}'`, path, "like /name: starting with / and not ending with it");
    }
    if (!(Number.isFinite(weight) && weight >= 0))
      refuse(`the weight of backend '${name}'`, weight, "0 or more");
  }
}

/** Throws an error that names the first target that cannot be one. */
export function validateTargets(backend: string, targets: readonly Target[]): void {
  const ids = new Set<string>();
  for (const { id, address, port } of targets) {
    const fault = ids.has(id)
      ? "has the id of another one"
      : isIP(address) === 0
        ? `has the address '${address}', which is no IP address`
        : isWhole(port, 1, 65535)
          ? undefined
          : `has the port ${port}, which is none from 1 to 65535`;
    if (fault) throw new Error(`Load balancer: target '${id}' of backend '${backend}' ${fault}.`);
    ids.add(id);
  }
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/**
 * Who may connect: a predicate over IP addresses as sockets report them. IPv4 addresses that arrive on an IPv6
 * socket (`::ffff:192.0.2.1`) count as IPv4. Throws an error that names an entry which is no CIDR.
 */
export function allowList(cidrs: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", prefix, ...rest] = cidr.split("/");
    const version = isIP(address);
    const longest = version === 6 ? 128 : 32;
    const length = prefix === undefined ? longest : /^\d+$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (version === 0 || rest.length > 0 || !isWhole(length, 0, longest)) {
      throw new Error(
        `Load balancer: '${cidr}' in allow is no CIDR; write it like 192.0.2.0/24 or 2001:db8::/32.`,
      );
    }
    list.addSubnet(address, length, version === 6 ? "ipv6" : "ipv4");
  }
  return (address) => {
    const plain = plainAddress(address);
    return list.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
  };
}

/** An address as people write it: IPv4 addresses without the prefix that an IPv6 socket gives them. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
