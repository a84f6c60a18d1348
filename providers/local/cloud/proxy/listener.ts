import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { type AddressInfo, type ListenOptions, Server as NetServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { descriptorOf } from "../hand-over.ts";
import { allow, answerSocket } from "./answer.ts";
import type { Connection } from "./forward.ts";
import type { Connections } from "./limits.ts";
import { type Log, plainAddress } from "./spec.ts";

/** How long the clients of a listener that closes may use a connection once more, in milliseconds. */
const lastRequestMs = 1000;

/** How what is no request is answered, by the code of Node.js's error; 400 what is not here. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Requests that a client may send before it has the answer to the first of them. One that sends more is cut off. */
const maxPipelined = 100;

/** What a listener may change without being opened anew. */
export interface ListenerRules {
  allows: (address: string) => boolean;
  idleTimeoutMs: number;
}

export interface Listener {
  readonly address: AddressInfo;
  /** Its listening socket, for another process that takes its place. */
  readonly descriptor: number | undefined;
  readonly closing: boolean;
  /** Also closes the connections of clients that are no longer allowed. */
  change(rules: ListenerRules): void;
  /** Stops listening at once, and lets requests in flight finish for at most `seconds`. */
  close(seconds: number): Promise<void>;
}

type Handle = (req: IncomingMessage, res: ServerResponse, connection: Connection, expects: boolean) => void;

/** A request that has come. */
interface Request {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly expects: boolean;
}

interface ClientConnection extends Connection {
  /** Requests that have come while another waited for its answer. */
  readonly waiting: Request[];
}

/** Where a listener listens, or the descriptor of a socket that does already. */
interface Place {
  readonly address: string;
  readonly port: number;
  readonly inherited: number | undefined;
}

/** What a listener works with. */
interface ListenerParts {
  readonly log: Log;
  /** What counts clients' connections; one too many is closed as it comes, before it costs anything. */
  readonly connections: Connections;
  readonly handle: Handle;
}

/** Opens an HTTP listener. Rejects with an error that says what to do when the address cannot be had. */
export async function openListener(
  { address, port, inherited }: Place,
  rules: ListenerRules,
  { log, connections, handle }: ListenerParts,
): Promise<Listener> {
  const clients = new Map<Socket, ClientConnection>();
  let closing = false;
  // No limit on the time of a whole request (a large upload may take long), only on its head and on silence.
  const server = createServer({
    requestTimeout: 0,
    insecureHTTPParser: false,
    optimizeEmptyRequests: true,
    // Node.js would answer without a body.
    requireHostHeader: false,
  });
  // One that sends no more may still wait for its answer. Node.js has no documented name for this.
  Object.assign(server, { httpAllowHalfOpen: true });
  setIdleTimeout(server, rules.idleTimeoutMs);

  server.on("connection", (socket: Socket) => {
    const peer = plainAddress(socket.remoteAddress ?? "");
    if (!rules.allows(peer)) {
      log.warn({ client: peer }, "Connection refused: the address is not in allow");
      socket.destroy();
      return;
    }
    const limit = connections.enter(peer);
    if (limit !== undefined) {
      log.warn({ client: peer, limit }, "Connection refused: there are too many");
      socket.destroy();
      return;
    }
    const waiting: Request[] = [];
    const connection: ClientConnection = {
      peer: { address: peer, port: String(socket.localPort) },
      listener,
      waiting,
      exchange: undefined,
      ending: false,
      next() {
        while (!connection.exchange && !connection.ending && !socket.destroyed) {
          const request = waiting.shift();
          if (request === undefined) return;
          handle(request.req, request.res, connection, request.expects);
        }
      },
    };
    clients.set(socket, connection);
    socket.once("close", () => {
      clients.delete(socket);
      connections.leave(peer);
    });
  });
  const serve = (req: IncomingMessage, res: ServerResponse, expects: boolean) => {
    const connection = clients.get(req.socket);
    if (connection === undefined) req.socket.destroy();
    else if (connection.waiting.length < maxPipelined) {
      connection.waiting.push({ req, res, expects });
      connection.next();
    } else {
      log.warn({ client: connection.peer.address, limit: maxPipelined }, "Connection cut: too many requests");
      req.socket.destroy();
    }
  };
  server.on("request", (req, res) => serve(req, res, false));
  server.on("checkContinue", (req, res) => serve(req, res, true));
  server.on("checkExpectation", (req, res) => serve(req, res, false));
  server.on("connect", (_, socket: Socket) => {
    socket.on("error", () => socket.destroy());
    answerSocket(socket, 405, "CONNECT is not allowed", ...allow);
  });
  const refused = new WeakSet<Socket>();
  server.on("clientError", (error: Error & { code?: string; reason?: string }, socket: Socket) => {
    const connection = clients.get(socket);
    const exchange = connection?.exchange;
    if (connection) connection.ending = true;
    exchange?.leave();
    // Each further piece of what is no request is an error again.
    if (refused.has(socket)) return;
    if (error.code === "ECONNRESET" || !socket.writable || exchange?.answering) {
      socket.destroy();
      return;
    }
    refused.add(socket);
    const status = statuses[error.code ?? ""] ?? 400;
    const message = error.reason ? `This is no HTTP request: ${error.reason}` : STATUS_CODES[status];
    log.warn({ client: socket.remoteAddress, status, code: error.code }, "Not a request");
    answerSocket(socket, status, message as string);
  });
  // Silence that a machine is to blame for ends with 504, by the timer of its connection.
  server.on("timeout", (socket: Socket) => {
    const exchange = clients.get(socket)?.exchange;
    if (exchange === undefined || exchange.waitsForClient) socket.destroy();
  });

  const listener: Listener = {
    get address() {
      return server.address() as AddressInfo;
    },
    get descriptor() {
      return descriptorOf(server);
    },
    get closing() {
      return closing;
    },
    change(changed) {
      rules = changed;
      setIdleTimeout(server, rules.idleTimeoutMs);
      for (const [socket, { peer }] of clients) if (!rules.allows(peer.address)) socket.destroy();
    },
    close(seconds) {
      closing = true;
      return closeServer(server, seconds * 1000);
    },
  };
  await listen(server, inherited === undefined ? { host: address, port } : { fd: inherited });
  server.on("error", (error) => log.error({ err: error, address, port }, "The listener failed"));
  return listener;
}

function setIdleTimeout(server: Server, ms: number): void {
  server.timeout = ms;
  server.keepAliveTimeout = ms;
  server.headersTimeout = ms;
}

async function listen(server: Server, where: ListenOptions & { readonly fd?: number }): Promise<void> {
  try {
    server.listen({ ...where, exclusive: true });
    await once(server, "listening");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy =
      code === "EADDRINUSE"
        ? "another process listens there; end it, or choose another port"
        : code === "EACCES"
          ? "ports below 1024 need a privilege; choose a higher one"
          : code === "EADDRNOTAVAIL"
            ? "this machine has no such address; choose one that it has"
            : message;
    throw new Error(`The load balancer cannot listen on ${where.host}:${where.port}: ${remedy}.`, {
      cause: error,
    });
  }
}

/**
 * `http.Server.close` would cut idle keep-alive connections at once, and with them requests that are on their way.
 * So only the listening socket is closed first; for a moment, clients are told `Connection: close` with their next
 * answer; then idle connections are closed as they become idle, and when the time is up, all.
 */
async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, "close");
  NetServer.prototype.close.call(server);
  const start = performance.now();
  const ended = new AbortController();
  closed.then(() => ended.abort());
  try {
    await delay(Math.min(lastRequestMs, graceMs), undefined, { signal: ended.signal });
    while (performance.now() - start < graceMs) {
      server.closeIdleConnections();
      await delay(100, undefined, { signal: ended.signal });
    }
  } catch (error) {
    if (!ended.signal.aborted) throw error;
  }
  server.closeAllConnections();
  await closed;
  // Ends the timer that http.Server checks its connections with.
  server.close();
}
