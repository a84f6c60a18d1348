import type { Logger } from "pino";
import { processorSeconds } from "./process.ts";
import type { GroupRecord, MachineRecord } from "./store.ts";

/**
 * When a group grows and shrinks. It grows once all looks of `growMs` ask for more machines, to the fewest of them, and
 * shrinks once all of `shrinkMs` ask for fewer, to the most of them: so that neither a peak of a moment nor a pause makes
 * it do so, and it does not go to and fro (as Kubernetes' stabilization windows do it; its own are 0 and 300 s).
 */
export interface Pace {
  /** Pause between two looks, in milliseconds. */
  readonly everyMs: number;
  readonly growMs: number;
  readonly shrinkMs: number;
  /** How long a machine's start is not counted, in milliseconds. */
  readonly warmUpMs: number;
}

export const usualPace: Pace = { everyMs: 5_000, growMs: 15_000, shrinkMs: 60_000, warmUpMs: 10_000 };

/** By how much the usage must be above what the machines are for before there are more of them: a tenth, as with Kubernetes. */
const tolerance = 0.1;

/** What one look found. */
export interface Look {
  /** By the clock of `performance.now()`. */
  readonly at: number;
  /** What all machines used since the look before, in percent of one processor: 250 is two and a half. */
  readonly usage: number;
}

/**
 * How many machines a group is to have by what it used of late; undefined: as many as it has.
 *
 * @param looks in their order, none older than needed
 * @param target what each machine is to use, in percent of one processor
 */
export function sizeFor(
  looks: readonly Look[],
  { size, min, max, target }: { size: number; min: number; max: number; target: number },
  pace: Pace,
): number | undefined {
  const [first, last] = [looks[0], looks.at(-1)];
  if (!first || !last) return undefined;
  const within = (ms: number) => looks.filter(({ at }) => last.at - at <= ms);
  const needed = ({ usage }: Look) => Math.max(1, Math.ceil(usage / target));
  const isLong = (ms: number) => last.at - first.at >= ms;
  const few = Math.min(...within(pace.growMs).map((look) => look.usage));
  if (isLong(pace.growMs) && few > size * target * (1 + tolerance)) {
    const more = Math.min(max, Math.ceil(few / target));
    if (more > size) return more;
  }
  if (!isLong(pace.shrinkMs)) return undefined;
  const fewer = Math.max(min, ...within(pace.shrinkMs).map(needed));
  return fewer < size ? fewer : undefined;
}

export interface AutoscalerOptions {
  readonly groups: () => Readonly<Record<string, GroupRecord>>;
  readonly machinesOf: (group: string) => readonly MachineRecord[];
  readonly resize: (group: string, size: number) => void;
  readonly log: Logger;
  readonly pace?: Pace;
}

/** Gives groups that ask for it as many machines as their processes' use of the processors needs. */
export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #pace: Pace;
  readonly #looks = new Map<string, Look[]>();
  /** What each machine's process had used when it was looked at last, in seconds, and when. */
  readonly #used = new Map<string, { readonly seconds: number; readonly at: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AutoscalerOptions) {
    this.#options = options;
    this.#pace = options.pace ?? usualPace;
  }

  start(): void {
    this.#timer = setInterval(() => this.#lookAtAll(), this.#pace.everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What cannot be done now, for want of an open file, is done next time. */
  #lookAtAll(): void {
    const groups = this.#options.groups();
    for (const id of this.#looks.keys()) if (!groups[id]?.spec.scale) this.#looks.delete(id);
    const known = new Set<string>();
    for (const [id, group] of Object.entries(groups)) {
      if (!group.spec.scale) continue;
      for (const { id: machine } of this.#options.machinesOf(id)) known.add(machine);
      try {
        this.#look(id, group, group.spec.scale.cpu);
      } catch (err) {
        this.#options.log.error({ err, group: id }, "group could not be scaled; trying again");
      }
    }
    for (const machine of this.#used.keys()) if (!known.has(machine)) this.#used.delete(machine);
  }

  #look(id: string, group: GroupRecord, target: number): void {
    const at = performance.now();
    const usage = this.#usageOf(id, at);
    const looks = (this.#looks.get(id) ?? []).filter((look) => at - look.at <= this.#pace.shrinkMs * 1.1);
    looks.push({ at, usage });
    this.#looks.set(id, looks);
    const { min, max } = group.spec;
    const size = sizeFor(looks, { size: group.desired, min, max, target }, this.#pace);
    if (size === undefined) return;
    this.#options.log.info({ group: id, before: group.desired, size, usage, target }, "group is scaled");
    this.#options.resize(id, size);
    this.#looks.delete(id);
  }

  /** What the machines that serve used since the last look, all together, in percent of one processor. */
  #usageOf(id: string, at: number): number {
    let usage = 0;
    for (const machine of this.#options.machinesOf(id)) {
      const seconds = processorSeconds(machine);
      const before = this.#used.get(machine.id);
      if (seconds === undefined) continue;
      this.#used.set(machine.id, { seconds, at });
      const isWarm = Date.now() - Date.parse(machine.launchedAt) > this.#pace.warmUpMs;
      if (before && isWarm && machine.state !== "starting")
        usage += ((seconds - before.seconds) * 100_000) / (at - before.at);
    }
    return Math.round(usage);
  }
}
