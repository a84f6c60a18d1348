import type { DeployedStack } from "./outputs.ts";

/** One machine, as a person wants to see it. */
export interface MachineStatus {
  readonly cluster: string;
  /** The cloud's own id: what the app answers as `x-instance-id`. */
  readonly id: string;
  readonly address: string;
  /** What the cloud says of it: `starting`, `healthy`, `unhealthy`, `draining`, or the cloud's own word. */
  readonly health: string;
  /** Hex SHA-256 of the release it was started with. */
  readonly release: string;
  readonly launchedAt: Date;
  /** How often it was replaced or restarted; absent where the cloud does not say. */
  readonly restarts?: number;
}

export interface LogOptions {
  /** Go on with what is written from now, until aborted. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** A deployed stack's machines, looked at with the operator's own rights. */
export interface Machines {
  /** Every machine, by cluster and age. */
  list(): Promise<MachineStatus[]>;
  /**
   * A machine's log, in pieces of text as they come.
   *
   * @throws when there is no such machine, naming those there are
   */
  logs(id: string, options: LogOptions): AsyncIterable<string>;
}

/** What each folder `providers/<cloud>/` exports from its machines.ts. */
export interface MachinesModule {
  openMachines(stack: DeployedStack): Machines;
}

/** The order of a listing. */
export function byClusterAndAge(one: MachineStatus, other: MachineStatus): number {
  return one.cluster.localeCompare(other.cluster) || +one.launchedAt - +other.launchedAt;
}

/** A machine by its id. @throws when there is none, naming those there are */
export function machineOf(machines: readonly MachineStatus[], id: string, stack: string): MachineStatus {
  const found = machines.find((machine) => machine.id === id);
  if (found) return found;
  const there = machines.map((machine) => machine.id);
  throw noSuchMachine(stack, id, there);
}

/** What asking for a machine ends with that is not among those there are. */
export function noSuchMachine(stack: string, id: string, there: readonly string[]): Error {
  return new Error(`there is no machine ${id} in stack ${stack}; there are: ${there.join(", ") || "none"}`);
}
