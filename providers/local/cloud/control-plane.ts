import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { BalancerHealth } from "./balancers.ts";
import { Balancers } from "./balancers.ts";
import { Buckets } from "./buckets.ts";
import { createEndpoint } from "./endpoint.ts";
import { Groups } from "./groups.ts";
import { watchHealth } from "./health.ts";
import { trimLogs } from "./logs.ts";
import { MachineFolders } from "./machine.ts";
import { endOrphans } from "./orphans.ts";
import type { Collection, LoadBalancerSpec, MachineInfo, Specs } from "./specs.ts";
import { Store } from "./store.ts";

/** Where machines reach the identity endpoint; its port is chosen once and kept. */
const endpointAddress = "127.0.0.1";
/** How long the control plane stays when nothing is left for it to run, in milliseconds. */
const idleMs = 5_000;

export interface ControlPlaneOptions {
  readonly home: string;
  readonly version: string;
  readonly log: Logger;
  /** Called once it has stopped. */
  readonly onStopped: () => void;
}

/** The local cloud itself: what it is asked for is kept on disk, and made so by processes, proxies and folders. */
export class ControlPlane {
  readonly version: string;
  readonly log: Logger;
  readonly buckets: Buckets;
  readonly groups: Groups;
  readonly #store: Store;
  readonly #balancers: Balancers;
  readonly #endpoint: ReturnType<typeof createEndpoint>;
  readonly #onStopped: () => void;
  readonly #timers: readonly NodeJS.Timeout[];
  #busyUntil = performance.now() + idleMs;

  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const plane = new ControlPlane(options);
    await plane.#open();
    return plane;
  }

  private constructor(options: ControlPlaneOptions) {
    const { home, version, log } = options;
    this.version = version;
    this.log = log;
    this.#onStopped = options.onStopped;
    this.#store = new Store(home);
    this.buckets = new Buckets(home);
    endOrphans(home, this.#store.state, log);
    this.#endpoint = createEndpoint(this.#store.state, this.buckets);
    this.#balancers = new Balancers(this.#store.state, log);
    this.groups = new Groups({
      store: this.#store,
      folders: new MachineFolders(home),
      log,
      watchHealth,
      endpoint: () => `http://${endpointAddress}:${this.#store.state.endpointPort}`,
      onTargets: (group) => this.#balancers.targetsChanged(group),
      drained: (machine, seconds) => this.#balancers.drained(machine, seconds),
    });
    this.#timers = [
      setInterval(() => this.#checkIdle(), 1_000),
      setInterval(() => this.#trimLogs(home), 60_000),
    ];
  }

  async #open(): Promise<void> {
    const { state } = this.#store;
    await this.buckets.removeUnfinished();
    await this.#endpoint.listen({ host: endpointAddress, port: state.endpointPort });
    const { port } = this.#endpoint.server.address() as AddressInfo;
    if (port !== state.endpointPort) {
      state.endpointPort = port;
      this.#store.save();
    }
    await this.#balancers.open();
  }

  /** Makes a resource, or changes it; the same call again changes nothing. */
  async put<C extends Collection>(collection: C, id: string, spec: Specs[C]): Promise<void> {
    const { state } = this.#store;
    if (collection === "groups") {
      this.groups.put(id, spec as Specs["groups"]);
      return;
    }
    if (collection === "loadBalancers") await this.#balancers.put(id, spec as LoadBalancerSpec);
    if (collection === "buckets") this.buckets.create(id);
    (state[collection] as Record<string, Specs[C]>)[id] = spec;
    this.#store.save();
  }

  get<C extends Collection>(collection: C, id: string): Specs[C] | undefined {
    const { state } = this.#store;
    if (collection === "groups") return state.groups[id]?.spec as Specs[C] | undefined;
    return (state[collection] as Record<string, Specs[C]>)[id];
  }

  /** Removes a resource; one that is not there is no error. */
  async delete(collection: Collection, id: string): Promise<void> {
    const { state } = this.#store;
    if (collection === "groups") {
      await this.groups.delete(id);
      return;
    }
    if (collection === "loadBalancers") await this.#balancers.delete(id);
    const bucket = state.buckets[id];
    if (collection === "buckets" && bucket) await this.buckets.destroy(id, bucket.empty);
    delete state[collection][id];
    this.#store.save();
  }

  /** Removes what nobody knows: load balancers first, buckets never (they may hold data). Returns what it removed. */
  async reap(known: readonly string[]): Promise<string[]> {
    const removed: string[] = [];
    for (const collection of ["loadBalancers", "groups", "networks"] as const) {
      for (const id of Object.keys(this.#store.state[collection])) {
        if (known.includes(id)) continue;
        this.log.warn({ collection, id }, "removing what no deployment knows");
        await this.delete(collection, id);
        removed.push(id);
      }
    }
    return removed;
  }

  machines(): (MachineInfo & { health: BalancerHealth | undefined })[] {
    return Object.values(this.#store.state.machines).map((machine) => {
      const { processStart: _start, token: _secret, ...shown } = machine;
      const cluster = this.#store.state.groups[machine.group]?.spec.name ?? "";
      return { ...shown, cluster, health: this.#balancers.healthOf(machine) };
    });
  }

  /** Ends the control plane when there is nothing for it to run. */
  async stopIfIdle(): Promise<void> {
    if (!this.#busy()) await this.stop("nothing is left to run");
  }

  #busy(): boolean {
    const { groups, loadBalancers, machines } = this.#store.state;
    return [groups, loadBalancers, machines].some((collection) => Object.keys(collection).length > 0);
  }

  #trimLogs(home: string): void {
    try {
      trimLogs(home);
    } catch (err) {
      this.log.error({ err }, "logs cannot be trimmed");
    }
  }

  #checkIdle(): void {
    if (this.#busy()) this.#busyUntil = performance.now() + idleMs;
    else if (performance.now() > this.#busyUntil) void this.stopIfIdle();
  }

  /** Ends the control plane; machines run on. */
  async stop(reason: string): Promise<void> {
    this.log.info({ reason }, "control plane stops");
    for (const timer of this.#timers) clearInterval(timer);
    this.groups.stop();
    await Promise.all([this.#balancers.close(), this.#endpoint.close()]);
    this.#onStopped();
  }
}
