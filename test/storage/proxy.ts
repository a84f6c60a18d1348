import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of a request: it is passed on, answered, never answered, or cut off after so many bytes of its body. */
export type Fate =
  | "pass"
  | "hang"
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly cutAfter: number };

export interface FaultProxy {
  readonly url: string;
  /** Where requests are passed on to, without a path. */
  target: string;
  /** What becomes of the next requests. */
  fate: (request: IncomingMessage) => Fate;
  /** The requests so far. */
  readonly requests: IncomingMessage[];
  stop(): Promise<void>;
}

/** A proxy between a store and its server, which does to requests what networks and servers do. */
export async function startProxy(): Promise<FaultProxy> {
  const server = createServer((incoming, outgoing) => {
    proxy.requests.push(incoming);
    const fate = proxy.fate(incoming);
    if (fate === "hang") return;
    if (fate === "pass") return passOn(proxy.target, incoming, outgoing);
    if ("status" in fate) {
      incoming.resume();
      outgoing.writeHead(fate.status, fate.headers).end();
      return;
    }
    if (fate.cutAfter === 0) {
      incoming.destroy();
      return;
    }
    let left = fate.cutAfter;
    incoming.on("data", (chunk) => {
      left -= chunk.length;
      if (left <= 0) incoming.destroy();
    });
    passOn(proxy.target, incoming, outgoing);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: "",
    fate: () => "pass",
    requests: [],
    stop: async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
  return proxy;
}

/** Asks another server the same, and answers what it does; its headers, names and values in turn, can be altered. */
export function passOn(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  alter = (headers: string[]) => headers,
): void {
  const { method, url, headers } = incoming;
  const onward = request(target, { method, path: url, headers, agent: false }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, alter(answer.rawHeaders));
    answer.pipe(outgoing);
  });
  onward.on("error", () => outgoing.destroy());
  incoming.on("close", () => {
    if (!incoming.complete) onward.destroy();
  });
  incoming.pipe(onward);
}
