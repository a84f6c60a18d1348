import { statSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { FastifyListenOptions } from "fastify";
import type { Logger } from "pino";
import { Autoscaler, type Pace } from "./autoscaler.ts";
import type { BalancerHealth } from "./balancers.ts";
import { Balancers } from "./balancers.ts";
import { Buckets } from "./buckets.ts";
import { createEndpoint } from "./endpoint.ts";
import { Groups } from "./groups.ts";
import { type Descriptors, descriptorOf, type Successor } from "./hand-over.ts";
import { watchHealth } from "./health.ts";
import { Images } from "./images.ts";
import { trimLogs } from "./logs.ts";
import { MachineFolders } from "./machine.ts";
import { endOrphans } from "./orphans.ts";
import { isAlive, processStart, signalProcess } from "./process.ts";
import { Connections } from "./proxy/limits.ts";
import type { Collection, ImageSpec, LoadBalancerSpec, MachineInfo, Specs } from "./specs.ts";
import { StateStore } from "./store.ts";

/** Where machines reach the identity endpoint; its port is chosen once and kept. */
const endpointAddress = "127.0.0.1";
/** How long the control plane stays when nothing is left for it to run, in milliseconds. */
const idleMs = 5_000;

export interface ControlPlaneOptions {
  readonly home: string;
  readonly version: string;
  readonly log: Logger;
  /** What a predecessor listened on; absent when there was none that handed over. */
  readonly inherited?: Descriptors | undefined;
  /** How fast groups follow their load. Default: as people use it. */
  readonly pace?: Pace;
  /** Takes no more calls. */
  readonly stopListening?: () => Promise<unknown>;
  /** Starts the successor; what it is not given is lost. */
  readonly onHandOver?: (successor: Successor, sockets: Descriptors) => Promise<void>;
  /** Called once it has stopped. */
  readonly onStopped?: () => Promise<void> | void;
}

/** The local cloud itself: what it is asked for is kept on disk, and made so by processes, proxies and folders. */
export class ControlPlane {
  readonly version: string;
  readonly log: Logger;
  readonly buckets: Buckets;
  readonly groups: Groups;
  readonly #autoscaler: Autoscaler;
  readonly #images: Images;
  readonly #store: StateStore;
  readonly #balancers: Balancers;
  readonly #endpoint: ReturnType<typeof createEndpoint>;
  readonly #options: ControlPlaneOptions;
  #timers: readonly NodeJS.Timeout[] = [];
  #stopping = false;
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
    this.#options = options;
    this.#store = new StateStore(home);
    const folders = new MachineFolders(home);
    this.buckets = new Buckets(home);
    this.#images = new Images(this.#store.state, folders);
    this.#endpoint = createEndpoint(this.#store.state, this.buckets, {
      onError: (err) => log.error({ err }, "a request for files failed"),
      groups: {
        state: (id) => this.groups.state(id),
        resize: (id, size) => this.groups.resize(id, size),
      },
    });
    const connections = new Connections();
    this.#endpoint.server.maxConnections = connections.limits.endpoint;
    this.#balancers = new Balancers(this.#store.state, log, connections);
    this.groups = new Groups({
      store: this.#store,
      folders,
      log,
      watchHealth,
      endpoint: () => `http://${endpointAddress}:${this.#store.state.endpointPort}`,
      onTargets: (group) => this.#balancers.targetsChanged(group),
      drained: (machine, seconds) => this.#balancers.drained(machine, seconds),
    });
    this.#autoscaler = new Autoscaler({
      groups: () => this.#store.state.groups,
      machinesOf: (group) => this.groups.machinesOf(group),
      resize: (group, size) => this.groups.resize(group, size),
      log,
      ...(options.pace && { pace: options.pace }),
    });
  }

  /** Nothing that an earlier control plane left is touched before the endpoint's port is held. */
  async #open(): Promise<void> {
    const { state } = this.#store;
    const { home, log, inherited = {} } = this.#options;
    const { endpoint, ...sockets } = inherited;
    await this.#listen(endpoint);
    this.#endpoint.server.on("error", (err) => log.error({ err }, "the endpoint failed"));
    const { port } = this.#endpoint.server.address() as AddressInfo;
    if (port !== state.endpointPort) {
      state.endpointPort = port;
      this.#store.save();
    }
    endOrphans(home, state, log);
    await this.buckets.removeUnfinished();
    this.groups.start();
    this.#autoscaler.start();
    await this.#balancers.open(sockets);
    if (this.#options.inherited) this.#sharedWith(process.ppid);
    const { ino } = statSync(home);
    this.#timers = [
      setInterval(() => this.#checkIdle(), 1_000),
      setInterval(() => {
        if (statSync(home, { throwIfNoEntry: false })?.ino !== ino) void this.#abandon();
      }, 1_000),
      setInterval(() => this.#trimLogs(home), 60_000),
    ];
  }

  /** Listens where machines expect the endpoint; elsewhere only if no machine lives that could. */
  async #listen(descriptor: number | undefined): Promise<void> {
    const { endpointPort: port, machines } = this.#store.state;
    const host = endpointAddress;
    if (descriptor !== undefined) {
      await this.#endpoint.listen({ host, fd: descriptor } as FastifyListenOptions);
      return;
    }
    try {
      await this.#endpoint.listen({ host, port });
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!taken || Object.values(machines).some(isAlive)) throw error;
      this.log.warn({ port }, "the endpoint's port is taken; as no machine lives, it gets another");
      await this.#endpoint.listen({ host, port: 0 });
    }
  }

  /** Makes a resource, or changes it; the same call again changes nothing. */
  async put<C extends Collection>(collection: C, id: string, spec: Specs[C]): Promise<void> {
    const { state } = this.#store;
    if (collection === "groups") {
      this.#images.check(spec as Specs["groups"]);
      this.groups.put(id, spec as Specs["groups"]);
      return;
    }
    if (collection === "loadBalancers") await this.#balancers.put(id, spec as LoadBalancerSpec);
    if (collection === "buckets") this.buckets.create(id);
    if (collection === "images") this.#images.make(id, spec as ImageSpec);
    (state[collection] as Record<string, Specs[C]>)[id] = spec;
    this.#store.save();
  }

  get home(): string {
    return this.#options.home;
  }

  get<C extends Collection>(collection: C, id: string): Specs[C] | undefined {
    const { state } = this.#store;
    if (collection === "groups") return state.groups[id]?.spec as Specs[C] | undefined;
    return (state[collection] as Record<string, Specs[C]>)[id];
  }

  /** All of a collection, by id. */
  list<C extends Collection>(collection: C): Record<string, Specs[C]> {
    const ids = Object.keys(this.#store.state[collection]);
    return Object.fromEntries(ids.map((id) => [id, this.get(collection, id) as Specs[C]]));
  }

  /** Removes a resource, a network with the clones in it; one that is not there is no error. */
  async delete(collection: Collection, id: string): Promise<void> {
    const { state } = this.#store;
    if (collection === "groups") {
      await this.groups.delete(id);
      return;
    }
    if (collection === "loadBalancers") await this.#balancers.delete(id);
    if (collection === "networks") await this.#deleteClones();
    if (collection === "images") this.#images.remove(id);
    const bucket = state.buckets[id];
    if (collection === "buckets" && bucket) await this.buckets.destroy(id, bucket.empty);
    delete state[collection][id];
    // It is done, and so may not fail any more.
    this.#store.note((err) => this.log.error({ err }, "state is not written; going on"));
  }

  /** Removes every clone, and the snapshots that they were made of. */
  async #deleteClones(): Promise<void> {
    const { groups, images } = this.#store.state;
    const clones = Object.keys(groups).filter((id) => groups[id]?.spec.cloneOf !== undefined);
    await Promise.all(clones.map((id) => this.groups.delete(id)));
    for (const id of Object.keys(images)) if (images[id]?.isSnapshot) await this.delete("images", id);
  }

  /** Removes what nobody knows, but for clones: load balancers first, buckets never (they may hold data). Returns what it removed. */
  async reap(known: readonly string[]): Promise<string[]> {
    const removed: string[] = [];
    for (const collection of ["loadBalancers", "groups", "networks"] as const) {
      for (const id of Object.keys(this.#store.state[collection])) {
        if (known.includes(id) || this.#store.state.groups[id]?.spec.cloneOf !== undefined) continue;
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

  /** Whether nothing is left to run, and all that happened is written. */
  get isIdle(): boolean {
    const { groups, loadBalancers, machines } = this.#store.state;
    const inUse = [groups, loadBalancers, machines].some((collection) => Object.keys(collection).length > 0);
    return !inUse && !this.#store.unwritten;
  }

  /** Ends the control plane when there is nothing for it to run. */
  stopIfIdle(): void {
    if (this.isIdle) void this.stop("nothing is left to run");
  }

  /** Until a predecessor has ended, it stores what is being uploaded through it. */
  #sharedWith(pid: number): void {
    const start = processStart(pid);
    const timer = setInterval(() => {
      this.buckets.changedByOthers();
      if (start === undefined || processStart(pid) !== start) clearInterval(timer);
    }, 1_000);
    timer.unref();
  }

  /** Ends all that runs, because its folder was deleted: nobody could find it any more. */
  async #abandon(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#store.close();
    this.log.fatal({ home: this.home }, "the folder is gone; machines and control plane end with it");
    for (const machine of Object.values(this.#store.state.machines)) signalProcess(machine, "SIGKILL");
    this.#autoscaler.stop();
    await this.groups.stop();
    for (const machine of Object.values(this.#store.state.machines)) signalProcess(machine, "SIGKILL");
    await this.#options.onStopped?.();
  }

  #trimLogs(home: string): void {
    try {
      trimLogs(home);
    } catch (err) {
      this.log.error({ err }, "logs cannot be trimmed");
    }
  }

  #checkIdle(): void {
    if (!this.isIdle) this.#busyUntil = performance.now() + idleMs;
    else if (performance.now() > this.#busyUntil) this.stopIfIdle();
  }

  /** Ends the control plane, once no request is under way; machines run on. */
  async stop(reason: string): Promise<void> {
    if (!(await this.#rest(reason))) return;
    await Promise.all([this.#balancers.close(), this.#endpoint.close()]);
    await this.#options.onStopped?.();
  }

  /** Has a successor go on, from a moment at which nothing is lost; ends once no request is under way here. */
  async handOver(successor: Successor): Promise<void> {
    if (!(await this.#rest("another takes over"))) return;
    this.#store.close();
    const endpoint = descriptorOf(this.#endpoint.server);
    const sockets = { ...this.#balancers.descriptors(), ...(endpoint !== undefined && { endpoint }) };
    await this.#options.onHandOver?.(successor, sockets);
    await Promise.all([this.#balancers.close(), this.#endpoint.close()]);
    await this.#options.onStopped?.();
  }

  /** Takes no more calls and looks after nothing any more; says whether that is new. */
  async #rest(reason: string): Promise<boolean> {
    if (this.#stopping) return false;
    this.#stopping = true;
    this.log.info({ reason }, "control plane stops");
    for (const timer of this.#timers) clearInterval(timer);
    await this.#options.stopListening?.();
    this.#autoscaler.stop();
    await this.groups.stop();
    return true;
  }
}
