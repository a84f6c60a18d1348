import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { isOutOfFiles } from "../open-files.ts";
import { answer } from "./answer.ts";
import { announcesBody, type Peer, requestHeaders, responseHeaders } from "./headers.ts";
import { type Backend, chooseMachine, type Machine } from "./pool.ts";
import type { Log } from "./spec.ts";
import type { Controller, Handler } from "./upload.ts";

/** A client's connection. */
export interface Connection {
  readonly peer: Peer;
  readonly listener: { readonly closing: boolean };
  /** The request it waits for: one at a time, also if the client pipelines. */
  exchange: Exchange | undefined;
  /** Goes on with the next request that has come already. To be called when `exchange` is over. */
  readonly next: () => void;
  /** It was told that its connection ends with an answer: what it sends behind that request is nobody's. */
  ending: boolean;
}

/** What forwarding needs of the load balancer. */
export interface Forwarding {
  readonly log: Log;
  /** How long a machine may take to begin its answer, and then to go on with it, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** Told when a machine refused a connection or broke one off before it answered. */
  onFailure(machine: Machine, reason: string): void;
}

/** Methods that may be repeated without the client's knowledge (RFC 9110, 9.2.2), if they carry no body. */
const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/**
 * One request and its answer, streamed both ways: neither side is read faster than the other takes it.
 *
 * What fails before the answer's first byte is tried on another healthy machine, each at most once, if repeating it
 * is safe: nothing was sent yet (the connection was refused), or the method is idempotent and there is no body.
 * Otherwise the client gets 502, or 504 if the machine took too long. What fails later resets the client's
 * connection, so that half an answer is never taken for a whole one. A client that leaves ends the request.
 *
 * A class, because a request to a machine takes a handler object, and methods cost no closures.
 */
export class Exchange implements Handler {
  private readonly forwarding: Forwarding;
  private readonly connection: Connection;
  private readonly backend: Backend;
  private readonly req: IncomingMessage;
  private readonly res: ServerResponse;
  private readonly headers: string[];
  private readonly body: IncomingMessage | null;
  /** Whether the client waits for `100 Continue`, which is the machine's to send, before it sends its body. */
  private expectsContinue: boolean;
  private machine: Machine | undefined;
  private tried: Machine[] | undefined;
  private controller: Controller | undefined;
  private sent = false;
  private answered = false;
  private paused = false;
  private over = false;
  /** Bytes that the answer announced and that are still to come; -1 if it did not say. */
  private remaining = -1;

  constructor(
    forwarding: Forwarding,
    connection: Connection,
    backend: Backend,
    req: IncomingMessage,
    res: ServerResponse,
    expectsContinue: boolean,
  ) {
    this.forwarding = forwarding;
    this.connection = connection;
    this.backend = backend;
    this.req = req;
    this.res = res;
    this.body = announcesBody(req) ? req : null;
    this.expectsContinue = expectsContinue && this.body !== null;
    this.headers = requestHeaders(req, connection.peer, this.expectsContinue);
    connection.exchange = this;
    res.on("close", () => this.leave());
    this.attempt();
  }

  /** Whether the client has got something of the answer. */
  get answering(): boolean {
    return this.res.headersSent;
  }

  /** Whether it is the client that keeps this exchange from going on: it sends no more, or takes no more. */
  get waitsForClient(): boolean {
    const sends = this.body !== null && !this.req.complete && !this.expectsContinue;
    return this.paused || (sends && !this.req.isPaused());
  }

  private attempt(failure?: { status: number; reason: string }): void {
    const machine = chooseMachine(this.backend, this.tried);
    const { name } = this.backend.spec;
    if (machine === undefined) {
      if (failure) this.refuse(failure.status, `No machine in cluster '${name}' answered`, failure.reason);
      else if (this.backend.ready.length === 0) this.refuse(503, `No healthy machine in cluster '${name}'`);
      else {
        const message = `Every machine in cluster '${name}' is at its limit of requests`;
        this.refuse(503, message, "", "Retry-After", "1");
      }
      return;
    }
    this.machine = machine;
    this.sent = false;
    machine.outstanding++;
    machine.connections.dispatch(
      {
        path: this.req.url as string,
        method: this.req.method as string,
        headers: this.headers,
        body: this.body,
        expectsContinue: this.expectsContinue,
        idleTimeoutMs: this.forwarding.idleTimeoutMs,
      },
      this,
    );
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller;
    if (this.over) {
      controller.abort(new Error("the client left"));
      return;
    }
    this.sent = true;
  }

  onResponseStarted(): void {
    this.answered = true;
  }

  onResponseStart(_: Controller, status: number, headers: IncomingHttpHeaders): void {
    if (status === 100) {
      if (this.expectsContinue) this.res.writeContinue();
      this.expectsContinue = false;
      return;
    }
    const forwarded = responseHeaders(headers);
    if (status < 200) {
      if (this.req.httpVersionMinor > 0) this.res.writeInformation(status, forwarded);
      return;
    }
    if (this.closes) forwarded.push(...this.end());
    const length = headers["content-length"];
    if (length !== undefined) this.remaining = Number(length);
    this.res.writeHead(status, forwarded);
    // The body may be long in coming. `flushHeaders` would do the same, but write Latin-1 values as UTF-8.
    if (length === undefined) this.res.write("", "latin1");
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.remaining === chunk.length) {
      // The rest in one piece: as a string it leaves in one write together with the head.
      this.res.end(chunk.length <= 16384 ? chunk.toString("latin1") : chunk, "latin1");
      return;
    }
    this.remaining -= chunk.length;
    if (this.res.write(chunk)) return;
    this.paused = true;
    controller.pause();
    this.res.once("drain", () => {
      this.paused = false;
      controller.resume();
    });
  }

  onResponseEnd(_: Controller, trailers: IncomingHttpHeaders): void {
    this.release();
    if (this.over) return;
    if (!this.res.writableEnded) {
      for (const _name in trailers) {
        this.res.addTrailers(trailers as Record<string, string>);
        break;
      }
      this.res.end();
    }
    this.finish();
  }

  onResponseError(_: Controller | null, error: Error & { code?: string }): void {
    const machine = this.machine as Machine;
    this.release();
    if (this.over) return;
    const reason = `${machine.id} (${machine.address}:${machine.port}): ${error.message}`;
    if (this.res.headersSent) {
      this.warn(reason, "A machine broke off in the middle of an answer");
      this.req.socket.resetAndDestroy();
      this.finish();
    } else if (isOutOfFiles(error)) {
      this.refuse(503, "The load balancer can open no further connection", reason, "Retry-After", "1");
    } else if (error.code === "UND_ERR_INVALID_ARG") {
      this.refuse(400, `The request cannot be forwarded: ${error.message}`);
    } else if (error.code === "UND_ERR_HEADERS_TIMEOUT") {
      this.refuse(504, `A machine in cluster '${this.backend.spec.name}' took too long`, reason);
    } else if (this.answered) {
      this.refuse(502, `A machine in cluster '${this.backend.spec.name}' gave no valid answer`, reason);
    } else {
      this.failed(machine, reason, error.code === "UND_ERR_CONNECT_TIMEOUT" ? 504 : 502);
    }
  }

  private failed(machine: Machine, reason: string, status: number): void {
    this.forwarding.onFailure(machine, reason);
    if (this.sent && (this.body !== null || !idempotent.has(this.req.method as string))) {
      this.refuse(status, `A machine in cluster '${this.backend.spec.name}' did not answer`, reason);
      return;
    }
    this.tried ??= [];
    this.tried.push(machine);
    this.attempt({ status, reason });
  }

  /**
   * Answers in the load balancer's own name.
   *
   * @param reason what the log says besides: it names machines and addresses, which are nothing for clients
   */
  private refuse(status: number, message: string, reason = "", ...headers: string[]): void {
    this.warn(reason === "" ? message : `${message}: ${reason}`, `Answered ${status}`);
    const close = this.closes ? this.end() : [];
    answer(this.res, status, message, "X-Request-Id", this.requestId, ...headers, ...close);
    this.finish();
  }

  private get requestId(): string {
    const index = this.headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === "x-request-id");
    return this.headers[index + 1] as string;
  }

  private warn(reason: string, message: string): void {
    const { method, url } = this.req;
    const { address } = this.connection.peer;
    this.forwarding.log.warn({ method, url, client: address, requestId: this.requestId, reason }, message);
  }

  /** Whether the client's connection ends with the answer: so it does when nobody can tell whether the body still comes. */
  private get closes(): boolean {
    return this.connection.listener.closing || this.expectsContinue;
  }

  /** What tells the client that its connection ends. */
  private end(): string[] {
    this.connection.ending = true;
    return ["Connection", "close"];
  }

  private release(): void {
    if (this.machine) this.machine.outstanding--;
    this.machine = undefined;
  }

  /**
   * The response is with the client, or never will be: what the client still sends of its body is dropped, and its
   * connection ended if that goes on for too long.
   */
  private finish(): void {
    this.over = true;
    this.connection.exchange = undefined;
    this.dropBody();
    this.connection.next();
  }

  private dropBody(): void {
    if (this.body === null || this.req.complete) return;
    const { socket } = this.req;
    const timer = setTimeout(() => socket.destroy(), this.forwarding.idleTimeoutMs).unref();
    // Once it is answered, a request does not hear of its connection's end by itself.
    const done = () => {
      clearTimeout(timer);
      socket.off("close", done);
    };
    socket.once("close", done);
    this.req.once("close", done).resume();
  }

  /** The client has left, or what it sends is no request any more. */
  leave(): void {
    if (this.over) return;
    this.finish();
    this.controller?.abort(new Error("the client left"));
  }
}
