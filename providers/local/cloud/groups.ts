import type { Logger } from "pino";
import { allocateAddress, isInSubnet } from "./addresses.ts";
import type { WatchHealth } from "./health.ts";
import { lastWords, type MachineFolders, revisionOf, startMachine, stopMachine } from "./machine.ts";
import { isAlive } from "./process.ts";
import { decide } from "./rollout.ts";
import type { GroupSpec, GroupStatus } from "./specs.ts";
import type { GroupRecord, MachineRecord, Revision, Store } from "./store.ts";

/** How often machines are looked at beside the moments when something is known to have happened, in milliseconds. */
const tickMs = 500;
/** Starts that may fail in a row before a revision counts as bad. */
const startAttempts = 3;
/** The wait after the first failed start, doubled with each further one, and its bound; in milliseconds. */
const backOffMs = { first: 1_000, most: 30_000 };

export interface GroupsOptions {
  readonly store: Store;
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

/** What is known of a group only while this process lives. */
interface GroupWork {
  failedStarts: number;
  launchNotBefore: number;
  launching: number;
  /** Restart counts that the next machines take over from those they replace. */
  lost: number[];
  retry: NodeJS.Timeout | undefined;
}

/** A resource that is asked for does not exist. */
export class NotFoundError extends Error {}

/** Keeps every group at its size, healthy, and on its newest revision. */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #work = new Map<string, GroupWork>();
  readonly #watches = new Map<string, { stop(): void }>();
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #waiters = new Set<() => void>();
  /** Addresses of machines that are being started. */
  readonly #reserved = new Set<string>();
  #reserving: Promise<unknown> = Promise.resolve();
  readonly #ticker: NodeJS.Timeout;
  #stopped = false;

  /** Takes over the machines that an earlier control plane left running. */
  constructor(options: GroupsOptions) {
    this.#options = options;
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
    this.#options.store.save();
    const healthChanged = JSON.stringify(known?.spec.healthCheck) !== JSON.stringify(spec.healthCheck);
    if (known && healthChanged) for (const machine of this.machinesOf(id)) this.#watch(machine);
    clearTimeout(this.#workOf(id).retry);
    Object.assign(this.#workOf(id), { failedStarts: 0, launchNotBefore: 0, lost: [] });
    this.#reconcile(id);
  }

  /** Ends every machine of a group, then forgets it. */
  async delete(id: string): Promise<void> {
    if (!this.#groups[id]) return;
    const record = this.#groups[id];
    this.#groups[id] = { ...record, desired: 0 };
    await Promise.all(this.machinesOf(id).map((machine) => this.#leave(machine)));
    await this.#launches(id);
    await Promise.all(this.machinesOf(id).map((machine) => this.#leave(machine)));
    delete this.#groups[id];
    clearTimeout(this.#work.get(id)?.retry);
    this.#work.delete(id);
    this.#options.store.save();
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

  /** Stops looking after the machines; they run on. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#ticker);
    for (const watch of this.#watches.values()) watch.stop();
    for (const { retry } of this.#work.values()) clearTimeout(retry);
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

  async #launches(id: string): Promise<void> {
    while ((this.#work.get(id)?.launching ?? 0) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  #workOf(id: string): GroupWork {
    let work = this.#work.get(id);
    if (!work) {
      work = { failedStarts: 0, launchNotBefore: 0, launching: 0, lost: [], retry: undefined };
      this.#work.set(id, work);
    }
    return work;
  }

  #tick(): void {
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
    if (Date.now() - Date.parse(machine.launchedAt) < limit * 1000) return;
    void this.#startFailed(machine, `was not healthy within ${limit} s`, startAttempts);
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
    this.#workOf(machine.group).lost.push(machine.restarts + 1);
    this.#forget(machine);
    this.#note();
    this.#reconcile(machine.group);
  }

  /** Counts a failed start; enough of them in a row stop the rollout of that revision. */
  async #startFailed(machine: MachineRecord, what: string, weight: number): Promise<void> {
    const { log, folders } = this.#options;
    if (this.#leaving.has(machine.id) || !this.#machines[machine.id]) return;
    const work = this.#workOf(machine.group);
    machine.state = "unhealthy";
    work.lost.push(machine.restarts + 1);
    const leaving = this.#leave(machine);
    work.failedStarts += weight;
    const wait = Math.min(backOffMs.most, backOffMs.first * 2 ** (work.failedStarts - 1));
    work.launchNotBefore = Date.now() + wait;
    await leaving;
    const words = await lastWords(folders, machine.id);
    log.error({ machine: machine.id, group: machine.group, retryInMs: wait, words }, `machine ${what}`);
    const group = this.#groups[machine.group];
    const decided = !group || group.failure || revisionOf(group.spec).id !== machine.revision;
    if (!decided && work.failedStarts >= startAttempts) {
      const reason = [`machine ${machine.id} of ${group.spec.name} ${what}; ${words[0]}`, ...words.slice(1)];
      group.failure = { revision: machine.revision, reason: reason.join("\n  ") };
      this.#note();
      log.error({ group: machine.group, revision: machine.revision }, "rollout stopped");
    }
    this.#changed();
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
      if (this.#groups[machine.group]) this.#workOf(machine.group).failedStarts = 0;
      log.info({ machine: machine.id, group: machine.group, address: machine.address }, "machine is healthy");
    } else if (machine.state === "running") {
      machine.state = "unhealthy";
      this.#workOf(machine.group).lost.push(machine.restarts + 1);
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
    this.#launch(id, group, stopped && group.stable ? group.stable : target, launch);
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

  #launch(id: string, group: GroupRecord, revision: Revision, count: number): void {
    const work = this.#workOf(id);
    const wait = work.launchNotBefore - Date.now();
    const missing = count - work.launching;
    if (missing <= 0) return;
    if (wait > 0) {
      clearTimeout(work.retry);
      work.retry = setTimeout(() => this.#reconcile(id), wait);
      return;
    }
    for (let index = 0; index < missing; index += 1) void this.#launchOne(id, group, revision, work);
  }

  async #launchOne(id: string, group: GroupRecord, revision: Revision, work: GroupWork): Promise<void> {
    const { folders, endpoint, log } = this.#options;
    work.launching += 1;
    let address: string | undefined;
    try {
      address = await this.#reserveAddress(id, group.spec);
      const machine = await startMachine({
        group: id,
        revision,
        address,
        folders,
        endpoint: endpoint(),
        restarts: work.lost.shift() ?? 0,
        onExit: () => this.#tick(),
      });
      this.#machines[machine.id] = machine;
      this.#note();
      log.info({ machine: machine.id, group: id, address, revision: revision.id }, "machine started");
      this.#watch(machine);
      this.#options.onTargets(id);
    } catch (error) {
      work.failedStarts += 1;
      work.launchNotBefore = Date.now() + backOffMs.first * 2 ** (work.failedStarts - 1);
      log.error({ group: id, err: error }, "machine could not be started");
      if (work.failedStarts >= startAttempts) {
        group.failure = {
          revision: revision.id,
          reason: `no machine of ${group.spec.name} can be started: ${(error as Error).message}`,
        };
      }
    } finally {
      work.launching -= 1;
      if (address) this.#reserved.delete(address);
    }
    this.#changed();
  }

  /** An address for one more machine, held until the machine is recorded; one at a time, so that each knows the others. */
  #reserveAddress(id: string, spec: GroupSpec): Promise<string> {
    const reserved = this.#reserving.then(async () => {
      const own = [...this.machinesOf(id).map(({ address }) => address), ...this.#reserved];
      const machinesIn = (subnet: string) => own.filter((address) => isInSubnet(address, subnet)).length;
      const subnets = spec.subnets.toSorted((a, b) => machinesIn(a) - machinesIn(b));
      const all = Object.values(this.#machines).map(({ address }) => address);
      const address = await allocateAddress(subnets, spec.port, new Set([...all, ...this.#reserved]));
      this.#reserved.add(address);
      return address;
    });
    this.#reserving = reserved.catch(() => {});
    return reserved;
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
    delete this.#machines[machine.id];
    this.#options.folders.remove(machine.id);
    this.#options.onTargets(machine.group);
  }
}
