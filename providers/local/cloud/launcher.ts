import type { Logger } from "pino";
import { AddressPool } from "./addresses.ts";
import { explained } from "./disk.ts";
import { type MachineFolders, startMachine } from "./machine.ts";
import { isOutOfFiles } from "./open-files.ts";
import type { GroupSpec } from "./specs.ts";
import type { MachineRecord, Revision } from "./store.ts";

/** Starts that may fail in a row before a revision counts as bad. */
export const startAttempts = 3;
/** The wait after the first failed start, doubled with each further one, and its bound; in milliseconds. */
const backOffMs = { first: 1_000, most: 30_000 };

export interface LauncherOptions {
  readonly folders: MachineFolders;
  readonly log: Logger;
  /** Where the identity endpoint listens, without a path. */
  readonly endpoint: () => string;
  /** Every machine there is, of all groups. */
  readonly machines: () => readonly MachineRecord[];
  readonly onStarted: (machine: MachineRecord) => void;
  /** Called when a started machine ends, as long as this process lives. */
  readonly onExit: () => void;
  /** Called when starts of a revision have failed too often in a row. */
  readonly onGivenUp: (group: string, revision: Revision, reason: string) => void;
  /** Called when a start is over, well or not, and when a wait is. */
  readonly onDone: (group: string) => void;
}

/** What is known of a group's starts while this process lives. */
interface Starts {
  failed: number;
  /** By the clock of `performance.now()`, which no change of the time moves. */
  notBefore: number;
  launching: number;
  /** Restart counts that the next machines take over from those they replace. */
  lost: number[];
  retry: NodeJS.Timeout | undefined;
}

/** Starts the machines of groups, and waits longer with each start that fails in a row. */
export class Launcher {
  readonly #options: LauncherOptions;
  readonly #starts = new Map<string, Starts>();
  readonly #addresses = new AddressPool();

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  #of(group: string): Starts {
    let starts = this.#starts.get(group);
    if (!starts) {
      starts = { failed: 0, notBefore: 0, launching: 0, lost: [], retry: undefined };
      this.#starts.set(group, starts);
    }
    return starts;
  }

  /** Brings a group to `count` starts under way; later, if a start has just failed. */
  launch(group: string, spec: GroupSpec, revision: Revision, count: number): void {
    const starts = this.#of(group);
    const wait = starts.notBefore - performance.now();
    const missing = count - starts.launching;
    if (missing <= 0) return;
    if (wait > 0) {
      clearTimeout(starts.retry);
      starts.retry = setTimeout(() => this.#options.onDone(group), wait);
      return;
    }
    for (let index = 0; index < missing; index += 1) void this.#start(group, spec, revision, starts);
  }

  /** Counts a machine that was lost: the next one takes its number of restarts over, and one more. */
  lost(machine: MachineRecord): void {
    this.#of(machine.group).lost.push(machine.restarts + 1);
  }

  /**
   * Counts a failed start as `weight` of them.
   *
   * @returns how long the next one waits, in milliseconds, and whether these were too many in a row
   */
  failed(group: string, weight = 1): { wait: number; tooOften: boolean } {
    const starts = this.#of(group);
    starts.failed += weight;
    const wait = Math.min(backOffMs.most, backOffMs.first * 2 ** (starts.failed - 1));
    starts.notBefore = performance.now() + wait;
    return { wait, tooOften: starts.failed >= startAttempts };
  }

  succeeded(group: string): void {
    this.#of(group).failed = 0;
  }

  /** Begins anew with a group that was asked for again: it waits for nothing. */
  reset(group: string): void {
    const starts = this.#of(group);
    clearTimeout(starts.retry);
    Object.assign(starts, { failed: 0, notBefore: 0, lost: [] });
  }

  /** Resolves when no start of a group is under way. */
  async idle(group: string): Promise<void> {
    while ((this.#starts.get(group)?.launching ?? 0) > 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  forget(group: string): void {
    clearTimeout(this.#starts.get(group)?.retry);
    this.#starts.delete(group);
  }

  /** Starts nothing by itself any more. Resolves when no start is under way. */
  async stop(): Promise<void> {
    for (const { retry } of this.#starts.values()) clearTimeout(retry);
    await Promise.all([...this.#starts.keys()].map((group) => this.idle(group)));
  }

  async #start(group: string, spec: GroupSpec, revision: Revision, starts: Starts): Promise<void> {
    const { folders, endpoint, log, machines, onStarted, onExit, onGivenUp, onDone } = this.#options;
    starts.launching += 1;
    const restarts = starts.lost.shift() ?? 0;
    let address: string | undefined;
    try {
      address = await this.#addresses.reserve(group, spec, machines);
      const machine = await startMachine({
        group,
        revision,
        address,
        folders,
        endpoint: endpoint(),
        restarts,
        onExit,
      });
      onStarted(machine);
      log.info({ machine: machine.id, group, address, revision: revision.id }, "machine started");
    } catch (error) {
      if (restarts > 0) starts.lost.unshift(restarts);
      // No revision is to blame for that.
      const { wait, tooOften } = this.failed(group, isOutOfFiles(error) ? 0 : 1);
      log.error({ group, retryInMs: wait, err: error }, "machine could not be started");
      if (tooOften)
        onGivenUp(
          group,
          revision,
          `no machine of ${spec.name} can be started: ${explained(error, folders.home)}`,
        );
    } finally {
      starts.launching -= 1;
      if (address) this.#addresses.release(address);
    }
    onDone(group);
  }
}
