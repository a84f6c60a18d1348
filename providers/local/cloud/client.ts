import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { StoredFile } from "../../../service/storage/store.ts";
import { type CallOptions, ControlPlaneError, callOnce, type Greeting, isAbsent, isCut } from "./calls.ts";
import type { Collection, GroupStatus, MachineInfo, Specs } from "./specs.ts";
import { answering, ended, ensureCurrent, ensureRunning, replace } from "./start.ts";
import { StateStore } from "./store.ts";

/** How long a control plane that has nothing left to run may take to end, in milliseconds. */
const endLimitMs = 10_000;

/** A call that may be repeated, to a control plane that is started when it does not run. */
async function call(home: string, options: CallOptions): Promise<unknown> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await callOnce(home, options);
    } catch (error) {
      if (attempt >= 3 || !(isAbsent(error) || isCut(error))) throw error;
      await ensureRunning(home, options.signal);
    }
  }
}

async function ifThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ControlPlaneError && error.status === 404) return undefined;
    throw error;
  }
}

/** By home: whether its control plane runs this code, found out once. */
const current = new Map<string, Promise<void>>();

function beCurrent(home: string, signal?: AbortSignal): Promise<void> {
  const find = async () =>
    ensureCurrent(home, (await call(home, { method: "GET", path: "/", signal })) as Greeting, signal);
  const known = current.get(home) ?? find();
  current.set(home, known);
  known.catch(() => current.delete(home));
  return known;
}

/** The control plane of one stack's local cloud, as deployments use it. */
export class LocalCloud {
  readonly home: string;
  readonly #signal: AbortSignal | undefined;

  /** @param signal ends what is under way, and every later call, with its reason */
  constructor(home: string, signal?: AbortSignal) {
    this.home = home;
    this.#signal = signal;
  }

  #call(method: string, path: string, body?: unknown, signal = this.#signal): Promise<unknown> {
    return call(this.home, { method, path, body, signal });
  }

  async put<C extends Collection>(collection: C, id: string, spec: Specs[C]): Promise<void> {
    await beCurrent(this.home, this.#signal);
    await this.#call("PUT", `/${collection}/${id}`, spec);
  }

  /** The specification that is in force, or undefined when there is no such resource. */
  async get<C extends Collection>(collection: C, id: string): Promise<Specs[C] | undefined> {
    return ifThere(async () => {
      const answer = await this.#call("GET", `/${collection}/${id}`);
      return (answer as { spec: Specs[C] }).spec;
    });
  }

  /** All of a collection, by id. Where nothing was ever deployed, nothing is started to find that out. */
  async list<C extends Collection>(collection: C): Promise<Readonly<Record<string, Specs[C]>>> {
    if (!this.exists) return {};
    await beCurrent(this.home, this.#signal);
    return (await this.#call("GET", `/${collection}`)) as Record<string, Specs[C]>;
  }

  async delete(collection: Collection, id: string): Promise<void> {
    await this.#call("DELETE", `/${collection}/${id}`);
  }

  /** Stores a copy of a file of this host. */
  async putObject(bucket: string, key: string, file: string): Promise<void> {
    const body = { file: resolve(file) };
    await this.#call("PUT", `/buckets/${bucket}/objects/${key}`, body);
  }

  /** The hash of a stored object, in hex, or undefined when there is none. */
  async objectHash(bucket: string, key: string, algorithm: string): Promise<string | undefined> {
    return ifThere(async () => {
      const answer = await this.#call("GET", `/buckets/${bucket}/hashes/${algorithm}/${key}`);
      return (answer as { hash: string }).hash;
    });
  }

  /** Every object whose key starts so, by key. */
  async listObjects(bucket: string, prefix: string): Promise<StoredFile[]> {
    await beCurrent(this.home, this.#signal);
    const path = `/buckets/${bucket}/objects?${new URLSearchParams({ prefix })}`;
    const listed = (await this.#call("GET", path)) as (Omit<StoredFile, "modified"> & { modified: string })[];
    return listed.map((file) => ({ ...file, modified: new Date(file.modified) }));
  }

  async deleteObject(bucket: string, key: string): Promise<void> {
    await this.#call("DELETE", `/buckets/${bucket}/objects/${key}`);
  }

  /** Resolves once a group runs as asked for, or its rollout has failed. */
  async settled(group: string, signal: AbortSignal): Promise<GroupStatus> {
    return (await this.#call("GET", `/groups/${group}/settled`, undefined, signal)) as GroupStatus;
  }

  /** Whether it has kept anything yet, or still has it. */
  get exists(): boolean {
    return existsSync(join(this.home, "state.json"));
  }

  /** Every machine there is. Where nothing was ever deployed, nothing is started to find that out. */
  async machines(): Promise<MachineInfo[]> {
    if (!this.exists) return [];
    return (await this.#call("GET", "/machines")) as MachineInfo[];
  }

  /** Starts the control plane again where one has kept something: after a reboot, nobody else would. */
  async revive(): Promise<void> {
    if (this.exists && (await this.pid()) === undefined) await ensureRunning(this.home, this.#signal);
  }

  /** Has another process take the control plane's place; what it listens on and its machines go over to that. */
  replace(): Promise<void> {
    return replace(this.home, this.#signal);
  }

  /** The process id of the control plane, or undefined when it does not run. */
  async pid(): Promise<number | undefined> {
    return (await answering(this.home, this.#signal))?.pid;
  }
}

/**
 * Removes from the local cloud in `home` what no deployment knows, as kills leave it behind, and ends its control plane
 * when nothing is left for it to run.
 *
 * @returns the ids of what was removed
 */
export async function reap(home: string, knownIds: readonly string[]): Promise<string[]> {
  if (!new LocalCloud(home).exists) return [];
  await beCurrent(home);
  const answer = await call(home, { method: "POST", path: "/reap", body: { known: knownIds } });
  const { stops } = (await call(home, { method: "POST", path: "/stop-if-idle" })) as { stops: boolean };
  if (stops && !(await ended(home, endLimitMs)))
    throw new Error(
      `the local cloud in ${home} has not ended after ${endLimitMs / 1000} s; see its log there`,
    );
  return (answer as { removed: string[] }).removed;
}

/**
 * Ends a local cloud and removes all that it has kept but buckets, which a deployment that is to lose them deletes itself.
 * Its machines and load balancers go with it, those too that no deployment knows.
 */
export async function remove(home: string): Promise<void> {
  await reap(home, []);
  if (!existsSync(home)) return;
  if (!(await ended(home, 0))) throw new Error(`the local cloud in ${home} still runs; see its log there`);
  const { buckets } = new StateStore(home).state;
  if (Object.keys(buckets).length === 0) rmSync(home, { recursive: true });
  else
    for (const name of ["releases", "runtimes"]) rmSync(join(home, name), { recursive: true, force: true });
}
