import { gone, type OpenstackApi, ServiceError } from "./api.ts";
import type { Look, Member, Server } from "./look.ts";
import type { Template } from "./template.ts";

/** How long a machine must be seen not to serve before something is done, in milliseconds. */
export const graceMs = 60_000;

/** States of Nova's in which a machine that does not serve is nobody's intention. */
const healable: ReadonlySet<string> = new Set(["ACTIVE", "ERROR", "SHUTOFF"]);

/** A machine that does not serve. */
interface Sick {
  readonly server: Server;
  /** Of which one at a time is healed: its cluster, or group of extra machines. */
  readonly among: string;
  readonly why: string;
  /** An extra one is made anew; another is the deployment's, which knows it by its id. */
  readonly isExtra: boolean;
}

/** What is read here of what was done with a machine (Compute API, "List Actions For Server"), the last first. */
interface InstanceAction {
  readonly action: string;
  readonly start_time: string;
}

export interface HealerOptions {
  readonly api: OpenstackApi;
  readonly template: Template;
  /** The id of the machine that this runs on, which others heal. */
  readonly self: string;
  /** Whether a controller at an address answers that it is healthy. */
  readonly answers: (address: string, signal: AbortSignal) => Promise<boolean>;
}

/**
 * Restarts machines that do not serve, as other clouds' groups do by themselves: one of a cluster at a time, so that a
 * fault of all of them, such as a release's, does not take them all. Nova remembers what was done, so that two controllers
 * do it once.
 */
export class Healer {
  readonly #options: HealerOptions;
  /** Since when a machine has been seen not to serve, by its id; in milliseconds since the epoch. */
  #since: ReadonlyMap<string, number> = new Map();
  /** When one of a cluster was last healed. */
  readonly #last = new Map<string, number>();

  constructor(options: HealerOptions) {
    this.#options = options;
  }

  /**
   * @param now in milliseconds since the epoch
   * @returns what was done, a sentence each
   */
  async heal(seen: Look, now: number, signal: AbortSignal): Promise<string[]> {
    const sick = await this.#sick(seen, signal);
    this.#since = new Map(sick.map(({ server: { id } }) => [id, this.#since.get(id) ?? now]));
    const done: string[] = [];
    for (const one of sick) {
      const { server, among } = one;
      const since = this.#since.get(server.id) ?? now;
      if (now - since < graceMs || this.#isYoung(this.#last.get(among), now)) continue;
      if (this.#isYoung(Date.parse(server.created), now)) continue;
      const deed = await this.#treat(one, now, signal);
      if (deed === undefined) continue;
      this.#last.set(among, now);
      done.push(`${server.name} ${deed}: ${one.why}`);
    }
    return done;
  }

  #isYoung(from: number | undefined, now: number): boolean {
    return from !== undefined && from + this.#options.template.bootSeconds * 1000 > now;
  }

  async #sick({ slots, own }: Look, signal: AbortSignal): Promise<Sick[]> {
    const { template, self, answers } = this.#options;
    const sick: Sick[] = [];
    for (const { server, members, group, drains } of slots) {
      const why = server && drains === undefined && whySick(server, members);
      if (server && why) sick.push({ server, among: group, why, isExtra: true });
    }
    for (const { server, cluster, members, address } of own) {
      if (server.id === self) continue;
      const isController = cluster === template.controller;
      if (!isController && !template.clusters.includes(cluster)) continue;
      const silent = isController && server.status === "ACTIVE" && !(await answers(address, signal));
      const why = silent ? "it does not answer" : whySick(server, members);
      if (why) sick.push({ server, among: cluster, why, isExtra: false });
    }
    return sick;
  }

  /** @returns what was done; undefined: nothing, because somebody has done something already */
  async #treat({ server, isExtra }: Sick, now: number, signal: AbortSignal): Promise<string | undefined> {
    const { api, template } = this.#options;
    if (isExtra) {
      await gone(api.call("compute", "DELETE", `/servers/${server.id}`, { signal }));
      return "is made anew";
    }
    const path = `/servers/${server.id}`;
    const { instanceActions } = await api.call<{ instanceActions: readonly InstanceAction[] }>(
      "compute",
      "GET",
      `${path}/os-instance-actions`,
      { signal },
    );
    const [last] = instanceActions.toSorted((one, other) => (one.start_time < other.start_time ? 1 : -1));
    // Nova's times are UTC, and do not say so.
    const at = last && Date.parse(`${last.start_time.replace(/Z$/, "")}Z`);
    if (this.#isYoung(at, now)) return undefined;
    const wasTried =
      last?.action === "reboot" && at !== undefined && now - at < 3 * template.bootSeconds * 1000;
    const image = server.image ? server.image.id : undefined;
    const rebuilds = wasTried && image !== undefined;
    const body = rebuilds ? { rebuild: { imageRef: image } } : { reboot: { type: "HARD" } };
    try {
      await api.call("compute", "POST", `${path}/action`, { body, signal });
    } catch (error) {
      // The other controller was faster.
      if (error instanceof ServiceError && error.status === 409) return undefined;
      throw error;
    }
    return rebuilds ? "is rebuilt, because a reboot did not help" : "is rebooted";
  }
}

function whySick(server: Server, members: readonly Member[]): string | undefined {
  const { status, fault } = server;
  if (!healable.has(status) || server["OS-EXT-STS:task_state"]) return undefined;
  if (status !== "ACTIVE") return `Nova says ${status}${fault ? `, ${fault.message}` : ""}`;
  return members.some(({ operating_status }) => operating_status === "ERROR")
    ? "its health check fails"
    : undefined;
}
