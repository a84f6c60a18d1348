import type { Compute, GroupState, PeakGroup } from "../compute/compute.ts";
import { pauseAfter } from "../compute/pause.ts";
import { within } from "../storage/faults.ts";
import type { ControllerEvent, Deed } from "./content.ts";

/** How long the cloud may take for one call, in milliseconds. */
const callMs = 60_000;

/** What is known of a group: from the cloud, and of what was tried. */
export interface GroupView extends PeakGroup {
  /** What the schedules ask for. */
  readonly wanted: number;
  /** What the cloud was asked for, and how many run; absent while it has not said. */
  readonly size?: number;
  readonly running?: number;
  /** Why there are fewer than wanted, in the cloud's words. */
  readonly problem?: string;
}

interface Trial {
  readonly wanted: number;
  readonly failures: number;
  /** Not tried again before, in milliseconds since the epoch. */
  readonly notBefore: number;
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, 500) || "no reason was given";

/** Brings groups to the sizes that are wanted, as often as it is asked to, and remembers why one is not there. */
export class Resizer {
  readonly #compute: Compute;
  readonly #groups: readonly PeakGroup[];
  readonly #who: string;
  readonly #trials = new Map<string, Trial>();
  #views: readonly GroupView[] = [];

  constructor(compute: Compute, groups: readonly PeakGroup[], who: string) {
    this.#compute = compute;
    this.#groups = groups;
    this.#who = who;
    this.#views = groups.map((group) => ({ ...group, wanted: 0 }));
  }

  /** As of the last look. */
  get views(): readonly GroupView[] {
    return this.#views;
  }

  /**
   * Looks at all groups, and sets the size of those that have another, and again of those that miss machines. Nothing that
   * the cloud refuses makes it fail: that is told, and tried again later.
   * @returns what is to be remembered of it
   */
  async resize(
    sizes: ReadonlyMap<string, number>,
    instant: number,
    signal: AbortSignal,
  ): Promise<ControllerEvent[]> {
    if (this.#groups.length === 0) return [];
    const ids = this.#groups.map(({ id }) => id);
    let states: readonly GroupState[];
    try {
      states = await within(signal, callMs, this.#compute.groups(ids));
    } catch (error) {
      signal.throwIfAborted();
      states = ids.map((id) => ({ id, size: Number.NaN, running: Number.NaN, problem: messageOf(error) }));
    }
    const before = new Map(this.#views.map((view) => [view.id, view]));
    const results = await Promise.all(
      this.#groups.map(async (group) => {
        const state = states.find(({ id }) => id === group.id);
        const wanted = sizes.get(group.id) ?? 0;
        return this.#bring(group, state, wanted, before.get(group.id)?.problem, instant, signal);
      }),
    );
    this.#views = results.map(({ view }) => view);
    return results.flatMap(({ events }) => events);
  }

  async #bring(
    group: PeakGroup,
    state: GroupState | undefined,
    wanted: number,
    problemBefore: string | undefined,
    instant: number,
    signal: AbortSignal,
  ): Promise<{ view: GroupView; events: ControllerEvent[] }> {
    const { id } = group;
    const events: ControllerEvent[] = [];
    const add = (what: Deed, message: string) =>
      events.push({ at: new Date(instant).toISOString(), what, who: this.#who, group: id, message });
    const {
      size,
      running,
      problem: reported,
    } = state ?? {
      size: Number.NaN,
      running: Number.NaN,
      problem: "the cloud says nothing of this group",
    };
    let problem = reported;
    let asked = size;
    const isReached = size === wanted && !(running < wanted) && reported === undefined;
    if (isReached) this.#trials.delete(id);
    else if (this.#mayTry(id, wanted, instant)) {
      try {
        await within(signal, callMs, this.#compute.resize(id, wanted));
        asked = wanted;
        if (size !== wanted)
          add("resized", `${id} ${Number.isNaN(size) ? "" : `from ${size} `}to ${wanted} machines`);
      } catch (error) {
        signal.throwIfAborted();
        problem = messageOf(error);
      }
      this.#remember(id, wanted, instant);
    }
    if (problem !== undefined && problem !== problemBefore)
      add("failed", `${id} does not get to ${wanted} machines: ${problem}`);
    if (problem === undefined && problemBefore !== undefined && isReached)
      add("recovered", `${id} has its ${wanted} machines`);
    const shown = problem ?? (isReached ? undefined : problemBefore);
    const view = {
      ...group,
      wanted,
      ...(!Number.isNaN(asked) && { size: asked }),
      ...(!Number.isNaN(running) && { running }),
      ...(shown !== undefined && { problem: shown }),
    };
    return { view, events };
  }

  /** Another size is tried at once, the same one after a pause. */
  #mayTry(id: string, wanted: number, instant: number): boolean {
    const trial = this.#trials.get(id);
    return trial?.wanted !== wanted || instant >= trial.notBefore;
  }

  #remember(id: string, wanted: number, instant: number): void {
    const before = this.#trials.get(id);
    const failures = before?.wanted === wanted ? before.failures + 1 : 1;
    this.#trials.set(id, { wanted, failures, notBefore: instant + pauseAfter(failures) });
  }
}
