import { spawn } from "node:child_process";
import type { Server } from "node:net";
import { lockDescriptor } from "./supervision.ts";

/** Listening sockets by what listens there: a load balancer's id, or `endpoint`. */
export type Descriptors = Readonly<Record<string, number>>;

/** How the process that takes a control plane's place is started. */
export interface Successor {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const variable = "SWITCHYARD_SOCKETS";

/** The descriptor of a listening socket. Node.js keeps it where it is not documented; undefined where it has none. */
export function descriptorOf(server: Server): number | undefined {
  const { _handle: handle } = server as Server & { _handle?: { fd?: number } | null };
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}

/** Starts the successor with the sockets and the lock: connections that come from now on wait for it. */
export function handOver(home: string, { command, environment }: Successor, sockets: Descriptors): void {
  const [program = "", ...args] = command;
  const first = lockDescriptor + 1;
  const passed = Object.fromEntries(Object.keys(sockets).map((name, index) => [name, first + index]));
  const child = spawn(program, args, {
    cwd: home,
    detached: true,
    env: { ...environment, [variable]: JSON.stringify(passed) },
    stdio: ["ignore", 1, 2, lockDescriptor, ...Object.values(sockets)],
  });
  child.unref();
}

/** The sockets that a predecessor has handed over; undefined where there was none. */
export function takeOver(): Descriptors | undefined {
  const { [variable]: sockets } = process.env;
  delete process.env[variable];
  return sockets === undefined ? undefined : (JSON.parse(sockets) as Descriptors);
}
