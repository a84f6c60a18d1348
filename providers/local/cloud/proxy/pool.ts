import type { Connections } from "./limits.ts";
import type { ProxyBackend, Target, TargetHealth, TargetState } from "./spec.ts";
import { Upstream } from "./upstream.ts";

/**
 * Requests that one machine may have at a time. It bounds sockets and memory: each request in flight holds one
 * connection and at most a few buffers of 64 KiB. Nothing queues behind it: a machine that has as many gets no more, a
 * backend without room is passed over where another may serve, and where none may, the answer is 503 with Retry-After.
 */
export const maxOutstanding = 1024;

/** A target with what the load balancer knows about it. */
export interface Machine extends Target {
  readonly backend: string;
  readonly connections: Upstream;
  state: TargetState;
  reason: string | undefined;
  /** Failed a request since the last passed check: gets requests only when no other machine is left. */
  suspect: boolean;
  /** Requests it has at this moment. */
  outstanding: number;
}

export interface Backend {
  spec: ProxyBackend;
  /** By target id; draining ones are not among them. */
  readonly machines: Map<string, Machine>;
  /** The healthy machines, in the order they were given. */
  ready: readonly Machine[];
  turn: number;
  /** Used by the weighted choice between backends. */
  credit: number;
}

export function createBackend(spec: ProxyBackend): Backend {
  return { spec, machines: new Map(), ready: [], turn: 0, credit: 0 };
}

export function createMachine(
  backend: string,
  { id, address, port, healthy = false }: Target,
  connections: Connections,
): Machine {
  return {
    id,
    address,
    port,
    backend,
    connections: new Upstream(address, port, maxOutstanding, connections),
    state: healthy ? "healthy" : "initial",
    reason: healthy ? undefined : "not checked yet",
    suspect: false,
    outstanding: 0,
  };
}

/** To be called when a machine joins, leaves or changes its state. */
export function updateReady(backend: Backend): void {
  backend.ready = [...backend.machines.values()].filter(({ state }) => state === "healthy");
}

/**
 * The machine for the next request: the one with the fewest requests in flight, in turn among equals; a suspect one
 * only when no other is left. Undefined when every healthy machine is in `tried` or has no room.
 */
export function chooseMachine(backend: Backend, tried?: readonly Machine[]): Machine | undefined {
  const { ready } = backend;
  const count = ready.length;
  backend.turn = backend.turn + 1 < count ? backend.turn + 1 : 0;
  let best: Machine | undefined;
  for (let i = 0; i < count; i++) {
    const machine = ready[(backend.turn + i) % count] as Machine;
    if (!hasRoom(machine) || tried?.includes(machine)) continue;
    if (best === undefined || load(machine) < load(best)) best = machine;
  }
  return best;
}

/** Whether a machine may get a further request. */
export function hasRoom({ outstanding }: Machine): boolean {
  return outstanding < maxOutstanding;
}

function load(machine: Machine): number {
  return machine.suspect ? machine.outstanding + 2 * maxOutstanding : machine.outstanding;
}

/**
 * Lets a machine finish the requests it has, for at most `seconds`; what is left then is cut. Resolves when none
 * of its connections is open any more.
 */
export async function drain(machine: Machine, seconds: number): Promise<void> {
  const cut = setTimeout(() => machine.connections.destroy(), seconds * 1000);
  try {
    await machine.connections.close();
  } finally {
    clearTimeout(cut);
  }
}

export function healthOfTarget({ backend, id, state, reason }: Machine): TargetHealth {
  return reason === undefined ? { backend, id, state } : { backend, id, state, reason };
}
