import { request } from "node:http";
import { connect, type Socket } from "node:net";

/** How long a connection may last after the client has sent all, in milliseconds. */
const patienceMs = 10_000;

export interface Edge {
  readonly host: string;
  readonly port: number;
}

/** Resolves at the first of these events; unlike `once` of node:events, an error on the way is none of its concern. */
export function first(socket: Socket, ...events: string[]): Promise<unknown> {
  return new Promise((resolve) => {
    for (const event of events) socket.once(event, resolve);
  });
}

/** Opens a connection from a loopback address; undefined when it is refused. */
export async function open({ host, port }: Edge, localAddress: string): Promise<Socket | undefined> {
  const socket = connect({ host, port, localAddress, allowHalfOpen: true });
  socket.on("error", () => socket.destroy());
  await first(socket, "connect", "close");
  return socket.destroyed ? undefined : socket;
}

/** Opens connections from addresses of which each has at most `each`; those that are refused are left out. */
export async function openMany(edge: Edge, network: string, count: number, each = 900): Promise<Socket[]> {
  const opening = Array.from({ length: count }, (_, i) =>
    open(edge, `${network}.${1 + Math.floor(i / each)}`),
  );
  return (await Promise.all(opening)).filter((socket) => socket !== undefined);
}

/**
 * Sends bytes in pieces, then no more, and resolves with all that comes back until the connection ends.
 *
 * @throws when it does not end in time
 */
export async function say(edge: Edge, localAddress: string, pieces: readonly Buffer[]): Promise<string> {
  const socket = await open(edge, localAddress);
  if (socket === undefined) return "";
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  const closed = first(socket, "close");
  socket.once("end", () => socket.destroy());
  const late = setTimeout(() => socket.destroy(new Error("late")), patienceMs);
  for (const piece of pieces) {
    if (!socket.writable) break;
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  }
  socket.end();
  await closed;
  clearTimeout(late);
  if (socket.errored?.message === "late") {
    throw new Error(
      `no end after ${patienceMs} ms: ${JSON.stringify(String(Buffer.concat(pieces)).slice(0, 200))}`,
    );
  }
  return text;
}

/** The statuses of the answers in what has come back; answers below 200 aside. */
export function statusesIn(text: string): number[] {
  return [...text.matchAll(/(?:^|\n|\})HTTP\/1\.1 ([2-5]\d\d) /g)].map(([, status]) => Number(status));
}

/** What an honest client is answered at a path, over a connection of its own. */
export function statusOf({ host, port }: Edge, path: string): Promise<number | string> {
  return new Promise((resolve) => {
    const req = request({ host, port, path, agent: false, timeout: patienceMs });
    req.once("response", (res) => res.resume().once("close", () => resolve(res.statusCode ?? 0)));
    req.once("timeout", () => req.destroy(new Error("no answer in time")));
    req.once("error", (error) => resolve(error.message));
    req.end();
  });
}
