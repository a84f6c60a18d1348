import type { MachineStatus } from "../machines.ts";
import type { DeployedStack } from "../outputs.ts";

/** What a machine has counted since it started. */
export interface Counted {
  /** By the clock of `performance.now()`. */
  readonly at: number;
  readonly requests: number;
  /** Those of them that were answered with 500 or more. */
  readonly errors: number;
}

/** What is served of a machine. */
export interface MachineView {
  readonly id: string;
  readonly address: string;
  readonly health: string;
  /** Hex SHA-256. */
  readonly release: string;
  readonly ageSeconds: number;
  /** Absent while it is not known. */
  readonly requestsPerSecond?: number;
}

export interface ClusterView {
  readonly name: string;
  readonly path?: string;
  readonly weight: number;
  readonly machineType: string;
  /** How many machines the program asks for. */
  readonly size: number;
  readonly machines: readonly MachineView[];
  readonly requestsPerSecond?: number;
  /** Share of those that failed, from 0 to 1; absent where there were none. */
  readonly errorShare?: number;
  /** What is going on, in words; absent: nothing. */
  readonly change?: string;
}

/** What the page shows. */
export interface DeploymentView {
  readonly stack: string;
  readonly cloud: string;
  readonly url: string;
  readonly controllerUrl?: string;
  readonly release: string;
  readonly clusters: readonly ClusterView[];
  /** Whether requests are counted: machines' metrics can be reached from where this runs. */
  readonly counts: boolean;
}

/** Adds up what a machine says of its requests, in Prometheus' text format; the load balancer's checks are none. */
export function countedIn(metrics: string, at: number): Counted {
  let [requests, errors] = [0, 0];
  for (const line of metrics.split("\n")) {
    const [, labels = "", value] = /^http_request_duration_seconds_count\{(.*)\} (\d+)$/.exec(line) ?? [];
    if (value === undefined || labels.includes('route="/healthz"')) continue;
    requests += Number(value);
    if (/status="5\d\d"/.test(labels)) errors += Number(value);
  }
  return { at, requests, errors };
}

/** A machine's two last counts, the earlier first. */
export type Counts = readonly [Counted, Counted];

function rateOf([before, now]: Counts, key: "requests" | "errors"): number {
  // One that was started again counts from nothing.
  return (Math.max(0, now[key] - before[key]) * 1000) / (now.at - before.at);
}

/** @param counts by machine, of those of which two are known */
export function viewOf(
  { stack, outputs }: DeployedStack,
  machines: readonly MachineStatus[],
  counts: ReadonlyMap<string, Counts>,
  now: number,
): DeploymentView {
  const clusters = Object.entries(outputs.clusters).map(([name, { path, weight, size, machineType }]) => {
    const own = machines.filter(({ cluster }) => cluster === name);
    const pairs = own.flatMap(({ id }) => {
      const pair = counts.get(id);
      return pair ? [pair] : [];
    });
    const total = (key: "requests" | "errors") => pairs.reduce((sum, pair) => sum + rateOf(pair, key), 0);
    const [requests, errors] = [total("requests"), total("errors")];
    const change = changeOf(own);
    return {
      name,
      ...(path !== undefined && { path }),
      weight,
      machineType,
      size,
      machines: own.map((machine) => machineView(machine, counts.get(machine.id), now)),
      ...(pairs.length > 0 && { requestsPerSecond: round(requests) }),
      ...(requests > 0 && { errorShare: errors / requests }),
      ...(change !== undefined && { change }),
    };
  });
  const { cloud, url, controllerUrl, release } = outputs;
  const own = { stack, cloud, url, release, clusters, counts: counts.size > 0 };
  return controllerUrl === undefined ? own : { ...own, controllerUrl };
}

function machineView(
  { id, address, health, release, launchedAt }: MachineStatus,
  counts: Counts | undefined,
  now: number,
): MachineView {
  const ageSeconds = Math.max(0, Math.floor((now - +launchedAt) / 1000));
  const view = { id, address, health, release, ageSeconds };
  return counts ? { ...view, requestsPerSecond: round(rateOf(counts, "requests")) } : view;
}

function round(rate: number): number {
  return Math.round(rate * 10) / 10;
}

/** What a cluster's machines say of what is going on: a rollout, by the release of its newest, or that some do not serve. */
function changeOf(machines: readonly MachineStatus[]): string | undefined {
  const newest = machines.toSorted((one, other) => +other.launchedAt - +one.launchedAt)[0];
  const releases = new Set(machines.map(({ release }) => release));
  if (newest && releases.size > 1) {
    const done = machines.filter(({ release, health }) => release === newest.release && health === "healthy");
    return `rolling to ${newest.release.slice(0, 12)}: ${done.length} of ${machines.length} run it`;
  }
  const states = machines.map(({ health }) => health).filter((health) => health !== "healthy");
  if (states.length === 0) return undefined;
  const each = [...new Set(states)].map(
    (state) => `${states.filter((one) => one === state).length} ${state}`,
  );
  return each.join(", ");
}
