import type { Logger } from "pino";
import type { Descriptors } from "./hand-over.ts";
import type { Connections } from "./proxy/limits.ts";
import { createLoadBalancer, type LoadBalancer } from "./proxy/load-balancer.ts";
import type { ListenerSpec, TargetHealth } from "./proxy/spec.ts";
import type { BackendSpec, LoadBalancerSpec } from "./specs.ts";
import type { MachineRecord, State } from "./store.ts";

export type BalancerHealth = TargetHealth["state"];

/** How often a machine that leaves is looked at for requests under way, in milliseconds. */
const drainCheckMs = 20;

/** What a load balancer on a loopback address is called. */
const hosts = ["localhost"];

/** The groups of a backend; what an earlier version of the program has deployed names one. */
function groupsOf({ groups, group }: BackendSpec & { readonly group?: string }): readonly string[] {
  return groups ?? (group === undefined ? [] : [group]);
}

/** The load balancers of this cloud, each with the machines of the groups behind it. */
export class Balancers {
  readonly #connections: Connections;
  readonly #state: State;
  readonly #log: Logger;
  readonly #running = new Map<string, LoadBalancer>();

  /** @param connections what counts the connections of all of them */
  constructor(state: State, log: Logger, connections: Connections) {
    this.#connections = connections;
    this.#state = state;
    this.#log = log;
  }

  /**
   * Opens every load balancer that the state holds, in front of machines that were healthy for the one before.
   *
   * @param inherited sockets that listen already, by load balancer
   */
  async open(inherited: Descriptors): Promise<void> {
    for (const [id, spec] of Object.entries(this.#state.loadBalancers)) {
      try {
        const balancer = this.#create(inherited[id]);
        await balancer.apply(this.#listener(spec));
        this.#running.set(id, balancer);
        this.#setTargets(balancer, spec);
      } catch (error) {
        this.#log.error({ loadBalancer: id, err: error }, "load balancer cannot listen");
      }
    }
  }

  /** @throws when the port is taken, or the specification cannot work; the previous one then stays in force */
  async put(id: string, spec: LoadBalancerSpec): Promise<void> {
    const balancer = this.#running.get(id) ?? this.#create();
    await balancer.apply(this.#listener(spec));
    this.#running.set(id, balancer);
    this.#setTargets(balancer, spec);
  }

  async delete(id: string): Promise<void> {
    await this.#running.get(id)?.close();
    this.#running.delete(id);
  }

  targetsChanged(group: string): void {
    for (const [id, balancer] of this.#running) {
      const spec = this.#state.loadBalancers[id];
      if (spec?.backends.some((backend) => groupsOf(backend).includes(group)))
        this.#setTargets(balancer, spec);
    }
  }

  /** What load balancers think of a machine, or undefined when none knows it. */
  healthOf(machine: Pick<MachineRecord, "id">): BalancerHealth | undefined {
    const found = this.#healthOf(machine.id);
    return found?.state;
  }

  /** Resolves when no request is under way to a machine that has left, or after `seconds`. */
  async drained(machine: Pick<MachineRecord, "id">, seconds: number): Promise<void> {
    for (const deadline = performance.now() + seconds * 1000; performance.now() < deadline; ) {
      if (!this.#healthOf(machine.id)) return;
      await new Promise((resolve) => setTimeout(resolve, drainCheckMs));
    }
  }

  /** What load balancers listen on, for a successor. */
  descriptors(): Descriptors {
    const all = [...this.#running].map(([id, { descriptor }]) => [id, descriptor] as const);
    return Object.fromEntries(all.filter((entry): entry is [string, number] => entry[1] !== undefined));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map((balancer) => balancer.close()));
  }

  #create(inherited?: number): LoadBalancer {
    return createLoadBalancer({ log: this.#log, connections: this.#connections, inherited });
  }

  #healthOf(id: string): TargetHealth | undefined {
    return [...this.#running.values()]
      .flatMap((balancer) => balancer.health())
      .find((target) => target.id === id);
  }

  /** A listener drains for as long as the most patient of its groups. */
  #listener(spec: LoadBalancerSpec): ListenerSpec {
    const drains = spec.backends
      .flatMap(groupsOf)
      .map((group) => this.#state.groups[group]?.spec.rollout.drainSeconds ?? 0);
    return { ...spec, hosts, drainSeconds: Math.max(0, ...drains) };
  }

  #setTargets(balancer: LoadBalancer, spec: LoadBalancerSpec): void {
    for (const backend of spec.backends) {
      const groups = groupsOf(backend);
      const targets = Object.values(this.#state.machines).filter(
        (machine) => groups.includes(machine.group) && machine.state !== "draining",
      );
      const known = targets.map((machine) => ({ ...machine, healthy: machine.state === "running" }));
      void balancer.setTargets(backend.name, known);
    }
  }
}
