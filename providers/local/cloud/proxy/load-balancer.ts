import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isIP } from "node:net";
import { allow, answer } from "./answer.ts";
import { type Connection, Exchange, type Forwarding } from "./forward.ts";
import { type HealthWatch, watchHealth } from "./health.ts";
import { Connections } from "./limits.ts";
import { type Listener, type ListenerRules, openListener } from "./listener.ts";
import {
  type Backend,
  createBackend,
  createMachine,
  drain,
  healthOfTarget,
  type Machine,
  updateReady,
} from "./pool.ts";
import { chooseBackend } from "./routing.ts";
import {
  allowList,
  type ListenerSpec,
  type Log,
  type Target,
  type TargetHealth,
  validateSpec,
  validateTargets,
} from "./spec.ts";
import { throttle } from "./throttle.ts";

/** An HTTP load balancer with one listener, path rules, weights, health checks and connection draining. */
export interface LoadBalancer {
  /**
   * Makes the load balancer what the specification says: the first call opens the listener, later ones change
   * everything in place. A changed address or port is opened before the old one is closed, and requests on the old
   * one finish. Rejects, with nothing changed, when the specification is wrong or the new address cannot be had.
   */
  apply(spec: ListenerSpec): Promise<void>;
  /**
   * Sets a backend's machines. New ones get requests when they are healthy; removed ones get no new requests and
   * drain. Resolves when the ones that this call removed have no request left and may be stopped. Throws when a
   * target is wrong or the backend is not in the specification.
   */
  setTargets(backend: string, targets: readonly Target[]): Promise<void>;
  /** Every target, draining ones too, in the order of the specification. */
  health(): TargetHealth[];
  /** Where the listener listens; undefined before the first `apply`. */
  readonly address: AddressInfo | undefined;
  /** Its listening socket, for another process that takes its place. */
  readonly descriptor: number | undefined;
  /** Stops listening, lets requests in flight finish for at most `drainSeconds`, and leaves no socket or timer. */
  close(): Promise<void>;
}

export interface LoadBalancerOptions {
  readonly log: Log;
  /** A descriptor that listens already where the first specification says. */
  readonly inherited?: number | undefined;
  /** What counts the connections of every load balancer in this process. Default one of its own. */
  readonly connections?: Connections;
  /** Called whenever a target's state has changed. */
  readonly onHealthChange?: (health: TargetHealth) => void;
}

/**
 * Makes a load balancer; nothing is opened before the first `apply`.
 *
 * Which backend: the first whose path matches, else by weight among backends that have a healthy machine. Which
 * machine: the healthy one with the fewest requests in flight, in turn among equals. A cluster without a healthy
 * machine answers 503; what no path matches and no backend has a weight for answers 404.
 */
export function createLoadBalancer({
  log,
  inherited,
  connections = new Connections(),
  onHealthChange,
}: LoadBalancerOptions): LoadBalancer {
  let spec: ListenerSpec | undefined;
  let listener: Listener | undefined;
  let backends: Backend[] = [];
  let applying: Promise<unknown> = Promise.resolve();
  let closed = false;
  const requestLog = throttle(log);
  const watches = new Map<Machine, HealthWatch>();
  const draining = new Set<Machine>();
  /** Everything that is on its way out. */
  const leaving = new Set<Promise<void>>();

  const forwarding: Forwarding & { idleTimeoutMs: number } = {
    log: requestLog,
    idleTimeoutMs: 60_000,
    onFailure(machine, reason) {
      if (machine.suspect || machine.state !== "healthy") return;
      machine.suspect = true;
      log.warn({ backend: machine.backend, target: machine.id, reason }, "Target failed a request");
      watches.get(machine)?.checkNow();
    },
  };

  function handle(req: IncomingMessage, res: ServerResponse, connection: Connection, expects: boolean): void {
    const fault = refusal(req, spec?.hosts);
    const backend = fault ? undefined : chooseBackend(backends, req.url as string);
    if (fault) {
      connection.ending = true;
      answer(res, ...fault, "Connection", "close");
    } else if (backend) new Exchange(forwarding, connection, backend, req, res, expects);
    else answer(res, 404, "No cluster is configured for this path");
  }

  function depart(work: Promise<void>): Promise<void> {
    leaving.add(work);
    return work.finally(() => leaving.delete(work));
  }

  function changed(machine: Machine): void {
    const health = healthOfTarget(machine);
    const level = machine.state === "unhealthy" ? "warn" : "info";
    log[level](
      { backend: health.backend, target: health.id, reason: health.reason },
      `Target is ${health.state}`,
    );
    onHealthChange?.(health);
  }

  function add(backend: Backend, target: Target): Machine {
    const machine = createMachine(backend.spec.name, target, connections);
    const settings = () => (spec as ListenerSpec).healthCheck;
    const onChange = () => {
      updateReady(backend);
      changed(machine);
    };
    watches.set(machine, watchHealth(machine, settings, onChange));
    return machine;
  }

  function remove(machine: Machine): Promise<void> {
    const seconds = (spec as ListenerSpec).drainSeconds;
    const watch = watches.get(machine) as HealthWatch;
    watches.delete(machine);
    machine.state = "draining";
    machine.reason = undefined;
    draining.add(machine);
    changed(machine);
    const work = Promise.all([watch.stop(), drain(machine, seconds)]).then(() => {
      draining.delete(machine);
      log.info({ backend: machine.backend, target: machine.id }, "Target has drained");
    });
    return depart(work);
  }

  async function replaceTargets(backend: Backend, targets: readonly Target[]): Promise<void> {
    const before = new Map(backend.machines);
    backend.machines.clear();
    for (const target of targets) {
      const known = before.get(target.id);
      const same = known && known.address === target.address && known.port === target.port;
      if (same) before.delete(target.id);
      backend.machines.set(target.id, same ? known : add(backend, target));
    }
    updateReady(backend);
    await Promise.all([...before.values()].map(remove));
  }

  async function change(next: ListenerSpec): Promise<void> {
    validateSpec(next);
    const idleTimeoutMs = (next.idleTimeoutSeconds ?? 60) * 1000;
    const rules: ListenerRules = { allows: allowList(next.allow), idleTimeoutMs };
    if (closed) throw new Error("The load balancer is closed; make a new one.");
    const moved = spec?.address !== next.address || spec.port !== next.port;
    const opened = moved
      ? await openListener({ ...next, inherited }, rules, { log: requestLog, connections, handle })
      : undefined;
    inherited = undefined;
    if (opened && listener) depart(listener.close(next.drainSeconds));
    listener = opened ?? listener;
    if (opened) log.info({ address: next.address, port: opened.address.port }, "Load balancer listens");
    else listener?.change(rules);

    forwarding.idleTimeoutMs = idleTimeoutMs;
    const before = new Map(backends.map((backend) => [backend.spec.name, backend]));
    spec = next;
    backends = next.backends.map((one) => {
      const backend = before.get(one.name) ?? createBackend(one);
      backend.spec = one;
      before.delete(one.name);
      return backend;
    });
    for (const backend of before.values()) replaceTargets(backend, []);
  }

  return {
    apply(next) {
      const result = applying.then(() => change(next));
      applying = result.catch(() => {});
      return result;
    },
    setTargets(name, targets) {
      const backend = backends.find((one) => one.spec.name === name);
      if (!backend) {
        const known = backends.map((one) => one.spec.name).join(", ") || "none";
        throw new Error(
          `Load balancer: there is no backend '${name}'; apply one first (there are: ${known}).`,
        );
      }
      validateTargets(name, targets);
      return replaceTargets(backend, targets);
    },
    health() {
      return [...backends.flatMap((backend) => [...backend.machines.values()]), ...draining].map(
        healthOfTarget,
      );
    },
    get address() {
      return listener?.address;
    },
    get descriptor() {
      return listener?.descriptor;
    },
    async close() {
      await applying;
      closed = true;
      await listener?.close(spec?.drainSeconds ?? 0);
      listener = undefined;
      for (const backend of backends) replaceTargets(backend, []);
      await Promise.all(leaving);
    },
  };
}

/** Why a request is not one for a load balancer: status, message and headers. */
function refusal(
  req: IncomingMessage,
  names: readonly string[] | undefined,
): [status: number, message: string, ...string[]] | undefined {
  const { url, method, headers } = req;
  if (url === undefined || !url.startsWith("/")) {
    return [400, "This is no forward proxy: the request target must be a path that starts with /"];
  }
  if (method === "TRACE") return [405, "TRACE is not allowed", ...allow];
  const hosts = countHosts(req.rawHeaders);
  if (hosts > 1) return [400, "The header Host must not be there twice"];
  if (hosts === 0 && req.httpVersion === "1.1") return [400, "The header Host is missing"];
  if (names && hosts === 1 && !isAskedBy(names, headers.host)) {
    return [421, `This is not ${headers.host}: ask it by its IP address, or as ${names.join(" or ")}`];
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue") {
    return [417, "Nothing can be expected but 100-continue"];
  }
  if (headers.upgrade?.toLowerCase() === "websocket") return [501, "WebSocket is not supported"];
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    return [501, `The transfer coding '${coding}' is not supported; send chunked, or a Content-Length`];
  }
  return undefined;
}

/** Whether a Host header has an IP address, or one of the names. */
function isAskedBy(names: readonly string[], host = ""): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0 || names.includes(name);
}

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === "host") count++;
  }
  return count;
}
