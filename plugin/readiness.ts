import { createHash } from "node:crypto";
import { lookup } from "node:dns";
import type { ReadinessArgs, ReadinessCluster } from "../components/readiness.ts";
import { IncompleteError, type OperationContext, type Properties, type ResourceKind } from "./resource.ts";

/** How long one request may take, and the pause between two rounds of them; in milliseconds. */
const requestMs = 5_000;
const pauseMs = 200;
/** How long no other revision may have answered once one has: caches and connections of a load balancer lag behind. */
const quietMs = 5_000;
/** Requests at once, and requests per expected machine in each round: enough for a round robin to reach every one. */
const concurrency = 10;
const requestsPerMachine = 2;

type Cluster = ReadinessCluster & { readonly revision: string; readonly joined?: readonly string[] };
type Inputs = Omit<ReadinessArgs, "url" | "address" | "clusters"> & {
  readonly url: string;
  readonly address?: string;
  readonly clusters: readonly Cluster[];
};

interface HttpAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  arrayBuffer(): Promise<unknown>;
}

type Get = (url: string, init: { readonly signal: AbortSignal }) => Promise<HttpAnswer>;

/** `fetch`, or one that connects to `address` although the URL's own name leads elsewhere, or nowhere yet. */
async function getterFor({ url, address }: Inputs): Promise<Get> {
  if (address === undefined || new URL(url).hostname === address) return fetch;
  const undici = await import("undici");
  const dispatcher = new undici.Agent({
    connect: { lookup: (_name, options, callback) => lookup(address, options, callback) },
  });
  return (target, init) => undici.fetch(target, { ...init, dispatcher });
}

interface Answer {
  readonly cluster: string;
  readonly instance: string;
  readonly revision: string;
}

async function ask(get: Get, url: string, seen: Observation, signal: AbortSignal): Promise<Answer> {
  const response = await get(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)]) });
  seen.answered += 1;
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const header = (name: string) => response.headers.get(name) ?? "";
  return { cluster: header("x-cluster"), instance: header("x-instance-id"), revision: header("x-revision") };
}

/** A failed request in words; `fetch` hides the reason in the cause. */
function problemOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return cause ? `${message} (${cause.code ?? cause.message})` : message;
}

/** What has been seen of the clusters so far. */
class Observation {
  readonly #inputs: Inputs;
  /** By cluster: machines of its revision. */
  readonly #instances = new Map<string, Set<string>>();
  /** Answers of any status: whoever gets one is let in by the load balancer. */
  answered = 0;
  lastProblem = "";
  /** When a machine of another revision answered, by the clock that never jumps. */
  #lastForeign = Number.NEGATIVE_INFINITY;

  constructor(inputs: Inputs) {
    this.#inputs = inputs;
    for (const { name } of inputs.clusters) this.#instances.set(name, new Set());
  }

  add({ cluster, instance, revision }: Answer): void {
    const wanted = this.#inputs.clusters.find(({ name }) => name === cluster);
    if (revision === wanted?.revision) {
      this.#instances.get(cluster)?.add(instance);
      return;
    }
    // Of other clusters, too, where all are behind one path: some may be going, and some are waited for elsewhere.
    const mayAnswer = wanted ? wanted.othersMayAnswer : this.#othersMayAnswer;
    if (mayAnswer || wanted?.joined?.includes(revision)) return;
    this.#lastForeign = performance.now();
    this.lastProblem = `machine ${instance} of ${cluster} still answers, of revision ${revision || "unknown"}`;
  }

  get #othersMayAnswer(): boolean {
    return this.#inputs.clusters.some(({ othersMayAnswer }) => othersMayAnswer);
  }

  lacking({ name, machines }: ReadinessCluster): number {
    return Math.max(0, machines - (this.#instances.get(name)?.size ?? 0));
  }

  get complete(): boolean {
    const quiet = performance.now() - this.#lastForeign >= quietMs;
    return quiet && this.#inputs.clusters.every((cluster) => this.lacking(cluster) === 0);
  }

  toString(): string {
    return this.#inputs.clusters
      .map(
        (cluster) =>
          `${cluster.name}: ${cluster.machines - this.lacking(cluster)} of ${cluster.machines} machines`,
      )
      .join(", ");
  }
}

/** Asks every cluster a number of times; a failed request is a problem to be told, not an end. */
async function round(get: Get, inputs: Inputs, seen: Observation, signal: AbortSignal): Promise<void> {
  const urls = inputs.clusters.flatMap(({ path, machines }) =>
    Array<string>(machines * requestsPerMachine).fill(`${inputs.url}${path ?? inputs.healthPath}`),
  );
  const worker = async () => {
    for (let url = urls.pop(); url && !signal.aborted; url = urls.pop()) {
      try {
        seen.add(await ask(get, url, seen, signal));
      } catch (error) {
        if (!signal.aborted) seen.lastProblem = problemOf(error);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

function failure(inputs: Inputs, seen: Observation): string {
  const advice =
    seen.answered === 0
      ? "Nothing answered at all: is the address of this machine in switchyard:loadBalancer's `allow`?"
      : "`npm run machines` lists the machines and their health.";
  return [
    `${inputs.url} is not ready after ${inputs.timeoutSeconds} s: of the new revision answered ${seen}.`,
    `The last problem: ${seen.lastProblem || "none"}. ${advice}`,
  ].join("\n");
}

/** @throws with what is missing, when the time is over */
async function waitUntilReady(inputs: Inputs, context: OperationContext): Promise<void> {
  const seen = new Observation(inputs);
  const get = await getterFor(inputs);
  for (const deadline = performance.now() + inputs.timeoutSeconds * 1000; ; ) {
    const late = AbortSignal.timeout(Math.max(0, Math.ceil(deadline - performance.now())));
    await round(get, inputs, seen, AbortSignal.any([context.signal, late]));
    context.signal.throwIfAborted();
    context.progress(`${seen}`);
    if (seen.complete) return;
    if (performance.now() > deadline) throw new Error(failure(inputs, seen));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

export const readiness: ResourceKind = {
  replaceOn: [],
  preview: (news) => ({ url: news.url }),
  async create(news, context) {
    await waitUntilReady(news as unknown as Inputs, context);
    return { id: createHash("sha256").update(context.urn).digest("hex").slice(0, 12), outputs: {} };
  },
  async update(id, news, _olds, context): Promise<Properties> {
    try {
      await waitUntilReady(news as unknown as Inputs, context);
    } catch (error) {
      // Recorded as it was tried, so that going back to the previous release is a change that is waited for too.
      throw new IncompleteError(id, news, (error as Error).message);
    }
    return {};
  },
};
