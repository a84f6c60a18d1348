import type { Logger } from "pino";
import type { GroupState } from "../../../service/compute/compute.ts";
import type { MachineWatch, WatchHealth } from "./health.ts";
import { Launcher, startAttempts } from "./launcher.ts";
import { lastWords, type MachineFolders, revisionOf, stopMachine } from "./machine.ts";
import { isAlive } from "./process.ts";
import { decide } from "./rollout.ts";
import type { GroupSpec, GroupStatus } from "./specs.ts";
import type { GroupRecord, MachineRecord, Revision, StateStore } from "./store.ts";

/** How often machines are looked at beside the moments when something is known to have happened, in milliseconds. */
const tickMs = 500;

export interface GroupsOptions {
  readonly store: StateStore;
  readonly folders: MachineFolders;
  readonly log: Logger;
  readonly watchHealth: WatchHealth;
  /** Where the identity endpoint listens, without a path. */
  readonly endpoint: () => string;
  /** Called when machines come, become able to serve, or leave; load balancers look again. */
  readonly onTargets: (group: string) => void;
  /** Resolves when no request is under way to a machine that was taken out of the targets, or after its drain. */
  readonly drained: (machine: MachineRecord, drainSeconds: number) => Promise<void>;
}

/** A size that a group cannot have. */
export class SizeError extends Error {
  readonly statusCode = 409;
}

/** A resource that is asked for does not exist. */
export class NotFoundError extends Error {}

/** Keeps every group at its size, healthy, and on its newest revision. */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #launcher: Launcher;
  readonly #watches = new Map<string, MachineWatch>();
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #waiters = new Set<() => void>();
  /** When this control plane first saw a machine that has not been healthy yet, by the clock of `performance.now()`. */
  readonly #startedAt = new Map<string, number>();
  #ticker: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: GroupsOptions) {
    this.#options = options;
    const { folders, log, endpoint } = options;
    this.#launcher = new Launcher({
      folders,
      log,
      endpoint,
      machines: () => Object.values(this.#machines),
      onStarted: (machine) => this.#started(machine),
      onExit: () => this.#tick(),
      onGivenUp: (group, revision, reason) => this.#stopRollout(group, revision.id, reason),
      onDone: (group) => this.#reconcile(group),
    });
  }

  /** Takes over the machines that an earlier control plane left running, and looks after them from now on. */
  start(): void {
    for (const machine of Object.values(this.#machines)) {
      if (machine.state === "draining") this.#leave(machine);
      else this.#watch(machine);
    }
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  get #groups(): Record<string, GroupRecord> {
    return this.#options.store.state.groups;
  }

  get #machines(): Record<string, MachineRecord> {
    return this.#options.store.state.machines;
  }

  machinesOf(group: string): MachineRecord[] {
    return Object.values(this.#machines).filter((machine) => machine.group === group);
  }

  /** Creates a group or changes it, and starts to make it so; `settled` tells when it is. */
  put(id: string, spec: GroupSpec): void {
    const known = this.#groups[id];
    const desired = spec.desired ?? Math.min(spec.max, Math.max(spec.min, known?.desired ?? spec.min));
    const record: GroupRecord = { spec, desired, ...(known?.stable && { stable: known.stable }) };
    this.#groups[id] = record;
    try {
      this.#options.store.save();
    } catch (error) {
      if (known) this.#groups[id] = known;
      else delete this.#groups[id];
      throw error;
    }
    const healthChanged = JSON.stringify(known?.spec.healthCheck) !== JSON.stringify(spec.healthCheck);
    if (known && healthChanged) for (const machine of this.machinesOf(id)) this.#watch(machine);
    this.#launcher.reset(id);
    this.#reconcile(id);
  }

  /**
   * Sets how many machines a group has whose specification does not say it, for who may do that alone.
   *
   * @throws NotFoundError, and SizeError for a size that the group cannot have
   */
  resize(id: string, size: number): void {
    const group = this.#groups[id];
    if (!group) throw new NotFoundError(`there is no group ${id}`);
    const { min, max, desired } = group.spec;
    if (desired !== undefined) throw new SizeError(`the size of group ${id} is its deployment's to set`);
    if (size < min || size > max)
      throw new SizeError(`group ${id} has ${min} to ${max} machines, not ${size}`);
    if (size === group.desired) return;
    const before = group.desired;
    group.desired = size;
    try {
      this.#options.store.save();
    } catch (error) {
      group.desired = before;
      throw error;
    }
    this.#options.log.info({ group: id, before, size }, "group was resized");
    this.#launcher.reset(id);
    this.#reconcile(id);
  }

  /** What a controller sees of a group; undefined: there is none. */
  state(id: string): GroupState | undefined {
    const group = this.#groups[id];
    if (!group) return undefined;
    const running = this.machinesOf(id).filter(({ state }) => state === "running").length;
    return { id, size: group.desired, running, ...(group.failure && { problem: group.failure.reason }) };
  }

  /** Ends every machine of a group, then forgets it. */
  async delete(id: string): Promise<void> {
    if (!this.#groups[id]) return;
    const record = this.#groups[id];
    this.#groups[id] = { ...record, desired: 0 };
    await Promise.all(this.machinesOf(id).map((machine) => this.#leave(machine)));
    await this.#launcher.idle(id);
    await Promise.all(this.machinesOf(id).map((machine) => this.#leave(machine)));
    delete this.#groups[id];
    this.#launcher.forget(id);
    this.#note();
  }

  /** @throws NotFoundError */
  status(id: string): GroupStatus {
    const group = this.#groups[id];
    if (!group) throw new NotFoundError(`there is no group ${id}`);
    const target = revisionOf(group.spec).id;
    const machines = this.machinesOf(id);
    const staying = machines.filter(({ state }) => state !== "draining");
    return {
      desired: group.desired,
      ready: staying.filter(({ revision, state }) => revision === target && state === "running").length,
      outdated: machines.filter(({ revision }) => revision !== target).length,
      ...(group.failure && { failure: group.failure.reason }),
    };
  }

  /** Resolves once the group runs as asked for, or its rollout has failed, or when `signal` is aborted. */
  async settled(id: string, signal: AbortSignal): Promise<GroupStatus> {
    for (;;) {
      const status = this.status(id);
      const surplus = this.machinesOf(id).length > status.desired;
      const complete = status.ready === status.desired && status.outdated === 0 && !surplus;
      if (status.failure !== undefined || complete || signal.aborted) return status;
      await this.#change(signal);
    }
  }

  /** Stops looking after the machines; they run on. Resolves when all that were being started are recorded. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#ticker);
    for (const watch of this.#watches.values()) watch.stop();
    await this.#launcher.stop();
  }

  #note(): void {
    const { store, log } = this.#options;
    store.note((err) => log.error({ err }, "state is not written; going on"));
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener("abort", done);
    });
  }

  #changed(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** What cannot be done now, for want of an open file, is done at the next tick. */
  #tick(): void {
    try {
      this.#look();
    } catch (err) {
      this.#options.log.error({ err }, "machines could not be looked after; trying again");
    }
  }

  #look(): void {
    if (this.#stopped) return;
    this.#options.store.retry();
    for (const machine of Object.values(this.#machines)) {
      if (machine.state === "draining") continue;
      if (!isAlive(machine)) this.#lost(machine);
      else if (machine.state === "starting") this.#checkStart(machine);
    }
    for (const id of Object.keys(this.#groups)) this.#reconcile(id);
  }

  #checkStart(machine: MachineRecord): void {
    const limit = this.#groups[machine.group]?.spec.rollout.timeoutSeconds ?? 0;
    const since = this.#startedAt.get(machine.id) ?? performance.now();
    this.#startedAt.set(machine.id, since);
    if (performance.now() - since < limit * 1000) return;
    void this.#startFailed(
      machine,
      `was not healthy within ${limit} s (${this.#watches.get(machine.id)?.reason})`,
      startAttempts,
    );
  }

  #lost(machine: MachineRecord): void {
    if (machine.state === "starting") {
      void this.#startFailed(machine, "ended before it was healthy", 1);
      return;
    }
    this.#options.log.warn(
      { machine: machine.id, group: machine.group },
      "machine ended; it will be replaced",
    );
    this.#launcher.lost(machine);
    this.#forget(machine);
    this.#note();
    this.#reconcile(machine.group);
  }

  /** Counts a failed start; enough of them in a row stop the rollout of that revision. */
  async #startFailed(machine: MachineRecord, what: string, weight: number): Promise<void> {
    const { log, folders } = this.#options;
    if (this.#leaving.has(machine.id) || !this.#machines[machine.id]) return;
    machine.state = "unhealthy";
    this.#launcher.lost(machine);
    const { wait, tooOften } = this.#launcher.failed(machine.group, weight);
    await this.#leave(machine);
    const words = await lastWords(folders, machine.id).catch((error: Error) => [
      `its log cannot be read: ${error.message}`,
    ]);
    log.error({ machine: machine.id, group: machine.group, retryInMs: wait, words }, `machine ${what}`);
    const name = this.#groups[machine.group]?.spec.name;
    const reason = [`machine ${machine.id} of ${name} ${what}; ${words[0]}`, ...words.slice(1)].join("\n  ");
    if (tooOften) this.#stopRollout(machine.group, machine.revision, reason);
    this.#changed();
  }

  /** Records why a revision does not run, unless that is known already or another is asked for by now. */
  #stopRollout(id: string, revision: string, reason: string): void {
    const group = this.#groups[id];
    if (!group || group.failure || revisionOf(group.spec).id !== revision) return;
    group.failure = { revision, reason };
    this.#note();
    this.#options.log.error({ group: id, revision }, "rollout stopped");
  }

  #watch(machine: MachineRecord): void {
    const spec = this.#groups[machine.group]?.spec;
    if (!spec) return;
    this.#watches.get(machine.id)?.stop();
    const watch = this.#options.watchHealth(machine, spec.healthCheck, (healthy, reason) =>
      this.#healthChanged(machine, healthy, reason),
    );
    this.#watches.set(machine.id, watch);
  }

  #healthChanged(machine: MachineRecord, healthy: boolean, reason: string): void {
    const { log } = this.#options;
    if (machine.state === "draining") return;
    if (healthy) {
      machine.state = "running";
      if (this.#groups[machine.group]) this.#launcher.succeeded(machine.group);
      log.info({ machine: machine.id, group: machine.group, address: machine.address }, "machine is healthy");
    } else if (machine.state === "running") {
      machine.state = "unhealthy";
      this.#launcher.lost(machine);
      log.warn(
        { machine: machine.id, group: machine.group, reason },
        "machine is unhealthy; it will be replaced",
      );
    } else return;
    this.#note();
    this.#reconcile(machine.group);
  }

  #reconcile(id: string): void {
    const group = this.#groups[id];
    if (!group || this.#stopped) return;
    const target = revisionOf(group.spec);
    const machines = this.machinesOf(id);
    const stopped =
      group.failure !== undefined && group.stable !== undefined && group.stable.id !== target.id;
    const view = {
      desired: group.desired,
      revision: target.id,
      stopped,
      minHealthyPercent: group.spec.rollout.minHealthyPercent,
    };
    const { launch, drain } = decide(view, machines);
    for (const machine of machines) if (drain.includes(machine.id)) void this.#leave(machine);
    this.#launcher.launch(id, group.spec, stopped && group.stable ? group.stable : target, launch);
    this.#settle(id, group, target);
    this.#changed();
  }

  /** Remembers a revision that the whole group runs as the one to heal with. */
  #settle(id: string, group: GroupRecord, target: Revision): void {
    const machines = this.machinesOf(id);
    const complete =
      machines.length === group.desired &&
      machines.every(({ revision, state }) => revision === target.id && state === "running");
    if (!complete || (group.stable?.id === target.id && !group.failure)) return;
    group.stable = target;
    delete group.failure;
    this.#note();
    this.#options.log.info(
      { group: id, revision: target.id, machines: machines.length },
      "group runs as asked for",
    );
  }

  #started(machine: MachineRecord): void {
    this.#machines[machine.id] = machine;
    this.#note();
    this.#watch(machine);
    this.#options.onTargets(machine.group);
  }

  /** Takes a machine out of service: no new requests, time to finish the ones it has, then its end. */
  #leave(machine: MachineRecord): Promise<void> {
    const known = this.#leaving.get(machine.id);
    if (known) return known;
    const leaving = this.#takeOut(machine).catch((error: unknown) => {
      this.#options.log.error({ machine: machine.id, err: error }, "machine could not be ended");
    });
    this.#leaving.set(machine.id, leaving);
    return leaving;
  }

  async #takeOut(machine: MachineRecord): Promise<void> {
    const { drained, onTargets, log } = this.#options;
    const serving = machine.state === "running" || machine.state === "draining";
    const drainSeconds = serving ? (this.#groups[machine.group]?.spec.rollout.drainSeconds ?? 0) : 0;
    machine.state = "draining";
    this.#watches.get(machine.id)?.stop();
    this.#note();
    onTargets(machine.group);
    await drained(machine, drainSeconds);
    const byItself = await stopMachine(machine, drainSeconds);
    log.info({ machine: machine.id, group: machine.group, killed: !byItself }, "machine ended");
    this.#forget(machine);
    this.#note();
    this.#reconcile(machine.group);
    this.#changed();
  }

  #forget(machine: MachineRecord): void {
    this.#watches.get(machine.id)?.stop();
    this.#watches.delete(machine.id);
    this.#leaving.delete(machine.id);
    this.#startedAt.delete(machine.id);
    delete this.#machines[machine.id];
    try {
      this.#options.folders.remove(machine.id);
    } catch (err) {
      this.#options.log.error({ machine: machine.id, err }, "a machine's folder cannot be removed");
    }
    this.#options.onTargets(machine.group);
  }
}
