import type { Compute, PeakGroup } from "../compute/compute.ts";
import type { Schedule } from "../schedules/schedule.ts";
import { type KeptSchedule, type Plan, planAt } from "../schedules/sizes.ts";
import type { Content, ControllerEvent } from "./content.ts";
import type { ContentDocument } from "./document.ts";
import { remember } from "./news.ts";
import { type GroupView, Resizer } from "./resizer.ts";
import { keptOfStack } from "./settings.ts";

/** The longest time between two looks, in milliseconds. */
const lookMs = 30_000;
/** The shortest, so that an edge that passes between two readings of the clock makes no busy loop; in milliseconds. */
const minLookMs = 5;
/** How long the document may take to be read or changed, in milliseconds. */
const documentMs = 20_000;

/** As much of a logger as this needs. */
export interface Log {
  info(values: object, message: string): void;
  error(values: object, message: string): void;
}

export interface LoopOptions {
  readonly document: ContentDocument;
  readonly compute: Compute;
  readonly groups: readonly PeakGroup[];
  readonly maxMachines: number;
  /** Those of the stack's configuration. */
  readonly schedules: readonly Schedule[];
  /** This machine, for events. */
  readonly machine: string;
  readonly log: Log;
  /** Milliseconds since the epoch. Default: the system's. */
  readonly now?: () => number;
}

/**
 * Gives groups the sizes that the schedules ask for: every 30 s, at every edge, and when it is woken. Each look begins
 * anew with the clock and the schedules, so that it does no harm to be killed, late, or one of two.
 */
export class Loop {
  readonly #options: LoopOptions;
  readonly #now: () => number;
  readonly #who: string;
  readonly #resizer: Resizer;
  readonly #ended = new AbortController();
  #content: Content | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #unwritten: ControllerEvent[] = [];
  #edge = Number.POSITIVE_INFINITY;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#who = `controller ${options.machine}`;
    this.#resizer = new Resizer(options.compute, options.groups, this.#who);
  }

  /** What was last seen of the groups. */
  get groups(): readonly GroupView[] {
    return this.#resizer.views;
  }

  /** All schedules, the stack's among them, by what the document holds. */
  schedulesOf(content: Content): KeptSchedule[] {
    return [...keptOfStack(this.#options.schedules, content.begun), ...content.schedules];
  }

  planOf(content: Content, instant: number): Plan {
    const { groups, maxMachines } = this.#options;
    return planAt(this.schedulesOf(content), groups, maxMachines, instant);
  }

  /** Looks as soon as it may: at once, or when the look under way has ended. Resolves when a look that began after has. */
  async wake(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      await this.#running;
      await this.#running;
      return;
    }
    if (this.#ended.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#running = this.#look();
    await this.#running;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #look(): Promise<void> {
    this.#again = false;
    try {
      await this.pass();
    } catch (error) {
      if (!this.#ended.signal.aborted)
        this.#options.log.error({ err: error }, "a look at the schedules failed");
    }
    this.#running = undefined;
    if (this.#ended.signal.aborted) return;
    if (this.#again) void this.wake();
    else {
      const pause = Math.max(minLookMs, Math.min(lookMs, this.#edge - this.#now()));
      this.#timer = setTimeout(() => void this.wake(), pause);
    }
  }

  /**
   * One look. What is known of the schedules serves while the store cannot be reached; before there is any, nothing is
   * done, because groups that were asked for would be emptied.
   */
  async pass(): Promise<void> {
    const { document, log } = this.#options;
    const limited = () => AbortSignal.any([this.#ended.signal, AbortSignal.timeout(documentMs)]);
    try {
      this.#content = await document.read(limited());
    } catch (error) {
      this.#ended.signal.throwIfAborted();
      log.error({ err: error }, "the schedules cannot be read");
      if (!this.#content) {
        this.#edge = this.#now() + lookMs / 6;
        return;
      }
    }
    const content = this.#content;
    const instant = this.#now();
    const plan = this.planOf(content, instant);
    this.#edge = plan.edge;
    // The cloud is asked at once, however long the store takes.
    const [events] = await Promise.all([
      this.#bring(plan, instant),
      remember(content, plan, instant, this.#who) === content ? undefined : this.#write(instant),
    ]);
    for (const { message, ...event } of events) log.info(event, message);
    this.#unwritten = [...this.#unwritten, ...events].slice(-100);
    if (this.#unwritten.length > 0) await this.#write(instant);
  }

  /** Sets sizes, then lets the cloud's client do what the cloud does not do by itself. */
  async #bring({ sizes }: Plan, instant: number): Promise<ControllerEvent[]> {
    const { compute, log } = this.#options;
    const { signal } = this.#ended;
    const events = await this.#resizer.resize(sizes, instant, signal);
    try {
      const { done = [], again } = (await compute.tend?.(signal)) ?? {};
      if (again !== undefined) this.#edge = Math.min(this.#edge, this.#now() + again);
      const at = new Date(instant).toISOString();
      return [
        ...events,
        ...done.map((message): ControllerEvent => ({ at, what: "healed", who: this.#who, message })),
      ];
    } catch (error) {
      signal.throwIfAborted();
      log.error({ err: error }, "the cloud's machines cannot be seen to");
      return events;
    }
  }

  /** Writes what is to be remembered; what cannot be written now is later. */
  async #write(instant: number): Promise<void> {
    const events = this.#unwritten;
    try {
      const limit = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(documentMs)]);
      this.#content = await this.#options.document.change((content) => {
        const told = remember(content, this.planOf(content, instant), instant, this.#who);
        const changed = events.length > 0 ? { ...told, events: [...told.events, ...events] } : told;
        return { content: changed, result: changed };
      }, limit);
      this.#unwritten = this.#unwritten.slice(events.length);
    } catch (error) {
      this.#ended.signal.throwIfAborted();
      this.#options.log.error({ err: error }, "what happened cannot be written into the schedules");
    }
  }
}
