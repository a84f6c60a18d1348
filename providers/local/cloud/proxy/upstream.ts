import { Agent, type ClientRequest, type IncomingMessage } from "node:http";
import { isIPv6, type Socket } from "node:net";
import { type Dispatcher, Pool } from "undici";
import type { Connections } from "./limits.ts";
import { type Handler, upload } from "./upload.ts";

/** How long a machine may take to accept a connection, in milliseconds, before it counts as refusing it. */
const connectTimeoutMs = 2000;

/**
 * How long an idle connection to a machine is kept at most, in milliseconds, however long the machine offers to (in
 * its Keep-Alive header; 4 s if it offers nothing). The load balancer always gives up first, so that no request is
 * sent on a connection that the machine is closing.
 */
const keepAliveMaxMs = 60_000;

/** The same for connections that bodies went over: they are kept no longer than where nothing is offered. */
const keepAliveMs = 4_000;

export interface RequestOptions {
  readonly path: string;
  readonly method: string;
  /** Flat: names and values in turn. */
  readonly headers: string[];
  /** The request whose body is sent, if it has one. */
  readonly body: IncomingMessage | null;
  /** Whether the client sends the body only once it is asked for. */
  readonly expectsContinue: boolean;
  /** How long a machine may take to begin its answer, and then to go on with it, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** The connections to one machine, kept alive from request to request. */
export class Upstream {
  readonly #host: string;
  readonly #port: number;
  readonly #pool: Pool;
  readonly #agent = new Agent({ keepAlive: true, timeout: keepAliveMs });
  readonly #connections: Connections;
  readonly #uploads = new Set<ClientRequest>();

  /**
   * @param most how many there may be at a time
   * @param connections what counts them
   */
  constructor(host: string, port: number, most: number, connections: Connections) {
    this.#connections = connections;
    this.#host = host;
    this.#port = port;
    this.#pool = new Pool(`http://${isIPv6(host) ? `[${host}]` : host}:${port}`, {
      connections: most,
      connect: { timeout: connectTimeoutMs },
      keepAliveMaxTimeout: keepAliveMaxMs,
      allowH2: false,
    });
    this.#pool.on("connect", () => connections.countMachine(1));
    this.#pool.on("disconnect", () => connections.countMachine(-1));
  }

  /** Sends a request on a connection that is free, or on a new one. */
  dispatch({ body, expectsContinue, idleTimeoutMs, ...head }: RequestOptions, handler: Handler): void {
    if (body === null) {
      const reset = this.#connections.scarce;
      const timeouts = { headersTimeout: idleTimeoutMs, bodyTimeout: idleTimeoutMs };
      this.#pool.dispatch({ ...head, ...timeouts, body, reset } as Dispatcher.DispatchOptions, handler);
      return;
    }
    const agent = this.#connections.scarce ? new Agent() : this.#agent;
    const place = { host: this.#host, port: this.#port, agent, connectTimeoutMs };
    const request = upload({ ...head, ...place, body, expectsContinue, idleTimeoutMs }, handler);
    if (request === undefined) return;
    this.#uploads.add(request);
    request.once("socket", (socket: Socket) => {
      if (request.reusedSocket) return;
      this.#connections.countMachine(1);
      socket.once("close", () => this.#connections.countMachine(-1));
    });
    request.once("close", () => this.#uploads.delete(request));
  }

  /** Resolves when no request is under way, and no connection is open. Nothing may be dispatched any more. */
  async close(): Promise<void> {
    const ends = [...this.#uploads].map((one) => new Promise((resolve) => one.once("close", resolve)));
    await Promise.all([this.#pool.close(), ...ends]);
    this.#agent.destroy();
  }

  /** Cuts all requests that are under way. */
  destroy(): void {
    void this.#pool.destroy();
    for (const request of this.#uploads) request.destroy();
  }
}
