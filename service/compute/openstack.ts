import type { KeystoneSettings } from "../storage/settings.ts";
import type { Compute, GroupState, Offer, Tended } from "./compute.ts";
import { isGone, OpenstackApi } from "./openstack/api.ts";
import { decide, type Step } from "./openstack/decide.ts";
import { Healer } from "./openstack/heal.ts";
import { type Look, look, type Slot } from "./openstack/look.ts";
import { type Hands, perform } from "./openstack/perform.ts";
import type { Template } from "./openstack/template.ts";
import { pauseAfter } from "./pause.ts";

export interface OpenstackComputeSettings {
  readonly login: KeystoneSettings;
  readonly template: Template;
  /** The id of the machine that this runs on. */
  readonly self: string;
  /** Images that schedules may name, by id or name. */
  readonly images: readonly string[];
  /** Milliseconds since the epoch. Default: the system's. */
  readonly now?: () => number;
  /** Whether a controller at an address answers. Default: it is asked. */
  readonly answers?: (address: string, signal: AbortSignal) => Promise<boolean>;
}

/** How long a look at all machines, ports and members may take, in milliseconds. */
const lookMs = 40_000;

/** How long one round of work may take, in milliseconds; what is left is the next one's, so that no edge has to wait. */
const roundMs = 15_000;

/** How long a machine may take to be asked for, in milliseconds: one that is cut short is lost, and its place with it. */
const openMs = 60_000;

/** How long another controller may take to answer, in milliseconds. */
const answerMs = 5_000;

/** Steps that make something. */
const makes: ReadonlySet<Step["do"]> = new Set(["open"]);

/** What a group could not do last, and when it tries again. */
interface Failure {
  readonly problem: string;
  readonly times: number;
  /** In milliseconds since the epoch. */
  readonly notBefore: number;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

const isLive = ({ drains }: Slot) => drains === undefined;

/**
 * Groups of Nova's machines, which OpenStack has not: this keeps them itself. What is asked for is noted, and brought about
 * a round at a time, each of which begins anew with what there is; so it does no harm to be killed, late, or one of two.
 */
class OpenstackCompute implements Compute {
  readonly #settings: OpenstackComputeSettings;
  readonly #api: OpenstackApi;
  readonly #healer: Healer;
  readonly #now: () => number;
  readonly #wanted = new Map<string, number>();
  readonly #failures = new Map<string, Failure>();
  readonly #ids = new Map<string, string>();
  readonly #answers: (address: string, signal: AbortSignal) => Promise<boolean>;

  constructor(settings: OpenstackComputeSettings) {
    const { login, template, self, now = Date.now } = settings;
    this.#settings = settings;
    this.#now = now;
    this.#api = new OpenstackApi(async () => login);
    this.#answers = settings.answers ?? ((address, signal) => answersAt(address, template, signal));
    this.#healer = new Healer({ api: this.#api, template, self, answers: this.#answers });
  }

  #look(signal = AbortSignal.timeout(lookMs)): Promise<Look> {
    return look(this.#api, this.#settings.template, signal);
  }

  async groups(ids: readonly string[]): Promise<GroupState[]> {
    const { slots } = await this.#look();
    return this.#settings.template.groups
      .filter(({ id }) => ids.includes(id))
      .map(({ id }) => {
        const live = slots.filter((slot) => slot.group === id && isLive(slot));
        const running = live.filter(({ server }) => server?.status === "ACTIVE").length;
        const size = this.#wanted.get(id) ?? live.length;
        this.#wanted.set(id, size);
        const problem = running < size ? this.#failures.get(id)?.problem : undefined;
        return { id, size, running: Math.min(running, size), ...(problem !== undefined && { problem }) };
      });
  }

  async resize(id: string, size: number): Promise<void> {
    if (!this.#settings.template.groups.some((group) => group.id === id))
      throw new Error(`there is no group ${id} of extra machines`);
    if (this.#wanted.get(id) !== size) this.#failures.delete(id);
    this.#wanted.set(id, size);
  }

  async tend(signal: AbortSignal): Promise<Tended> {
    const { template } = this.#settings;
    const now = this.#now();
    const seen = await this.#look(AbortSignal.any([signal, AbortSignal.timeout(lookMs)]));
    const limit = AbortSignal.any([signal, AbortSignal.timeout(roundMs)]);
    if (await this.#isSuperseded(seen, limit)) return { done: [] };
    const done = await this.#healer.heal(seen, now, limit);
    const { steps, again } = decide(seen, template, this.#wanted, now);
    const failed = new Set<string>();
    for (const step of steps) {
      if (failed.has(step.group) || this.#mustWait(step, now)) continue;
      if (limit.aborted) break;
      try {
        if (step.do === "discard" && step.why !== undefined) this.#note(step.group, step.why, now);
        const own = AbortSignal.any([signal, AbortSignal.timeout(openMs)]);
        await perform(step, this.#hands(), now, makes.has(step.do) ? own : limit);
      } catch (error) {
        signal.throwIfAborted();
        // The next round goes on.
        if (limit.aborted) break;
        failed.add(step.group);
        this.#note(step.group, error instanceof Error ? error.message : String(error), now);
      }
    }
    const pending = steps.flatMap(({ do: what, group }) => (makes.has(what) ? [group] : []));
    this.#recover(seen, new Set([...failed, ...pending]));
    const retries = [...this.#failures.values()].map(({ notBefore }) => Math.max(0, notBefore - now));
    const waits = [...(again === undefined ? [] : [again]), ...retries];
    const soonest = limit.aborted ? 0 : Math.min(...waits);
    return { done, ...(Number.isFinite(soonest) && { again: soonest }) };
  }

  /** What a group that has failed asks for anew waits; what takes machines away does not. */
  #mustWait({ do: what, group }: Step, now: number): boolean {
    const failure = this.#failures.get(group);
    return makes.has(what) && failure !== undefined && now < failure.notBefore;
  }

  #note(group: string, problem: string, now: number): void {
    const times = (this.#failures.get(group)?.times ?? 0) + 1;
    this.#failures.set(group, { problem, times, notBefore: now + pauseAfter(times) });
  }

  /** Forgets the failures of groups that have all they want, and want no more. */
  #recover({ slots }: Look, pending: ReadonlySet<string>): void {
    for (const id of this.#failures.keys()) {
      if (pending.has(id)) continue;
      const running = slots.filter((slot) => slot.group === id && slot.server?.status === "ACTIVE");
      if (running.length >= (this.#wanted.get(id) ?? 0)) this.#failures.delete(id);
    }
  }

  /**
   * Whether a controller of a later deployment works, which then alone decides what machines are made of: this one stands
   * by until the deployment's end, when it goes.
   */
  async #isSuperseded({ own }: Look, signal: AbortSignal): Promise<boolean> {
    const { template, self } = this.#settings;
    const controllers = own.filter(({ cluster }) => cluster === template.controller);
    const mine = controllers.find(({ server }) => server.id === self)?.server;
    if (!mine) return false;
    const later = controllers.filter(
      ({ server }) => server.metadata.revision !== mine.metadata.revision && server.created > mine.created,
    );
    const answers = await Promise.all(later.map(({ address }) => this.#answers(address, signal)));
    return answers.includes(true);
  }

  #hands(): Hands {
    return {
      api: this.#api,
      template: this.#settings.template,
      flavorId: (nameOrId, signal) =>
        this.#idOf("flavor", nameOrId, () =>
          this.#api.all<Named>("compute", "/flavors/detail", "flavors", signal),
        ),
      imageId: (nameOrId, signal) => this.#idOf("image", nameOrId, () => this.#imagesOf(nameOrId, signal)),
    };
  }

  /** Images of a name; or the one that has it for its id. */
  async #imagesOf(nameOrId: string, signal?: AbortSignal): Promise<Named[]> {
    const options = signal ? { signal } : {};
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(nameOrId)) {
      try {
        return [await this.#api.call<Named>("image", "GET", `/images/${nameOrId}`, options)];
      } catch (error) {
        if (isGone(error)) return [];
        throw error;
      }
    }
    return this.#api.all<Named>("image", `/images?name=${encodeURIComponent(nameOrId)}`, "images", signal);
  }

  async #idOf(what: string, nameOrId: string, list: () => Promise<Named[]>): Promise<string> {
    const key = `${what} ${nameOrId}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const found = (await list()).filter(({ id, name }) => id === nameOrId || name === nameOrId);
    const [one] = found;
    if (!one || found.length > 1)
      throw new Error(`${found.length || "no"} ${what}s are called ${nameOrId}: one must be`);
    this.#ids.set(key, one.id);
    return one.id;
  }

  async images(): Promise<Offer[]> {
    const found = await Promise.all(this.#settings.images.map((image) => this.#imagesOf(image)));
    return found.flat().map(({ id, name }) => ({ id, name }));
  }

  async flavors(): Promise<Offer[]> {
    type Flavor = Named & { readonly vcpus: number; readonly ram: number };
    const all = await this.#api.all<Flavor>("compute", "/flavors/detail", "flavors");
    return all.map(({ id, name, vcpus, ram }) => ({ id, name, processors: vcpus, memoryMiB: ram }));
  }

  async networks(): Promise<Offer[]> {
    return (await this.#api.all<Named>("network", "/networks", "networks")).map(({ id, name }) => ({
      id,
      name,
    }));
  }
}

/** Whether the controller at an address says that it is healthy. */
async function answersAt(
  address: string,
  { port, healthPath }: Template,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
    const answer = await fetch(`http://${address}:${port}${healthPath}`, { signal: limit });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Nova's machines and Octavia's members of the deployment, by an application credential. */
export function openOpenstackCompute(settings: OpenstackComputeSettings): Compute {
  return new OpenstackCompute(settings);
}
