import {
  type Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from "node:http";
import type { Socket } from "node:net";
import { errors } from "undici";

/** How one that hears of an answer holds it back, or ends it. */
export interface Controller {
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** What hears of a request's fate: of undici's handlers, what is needed of them. Nothing is called after `onResponseEnd` or `onResponseError`. */
export interface Handler {
  /** The connection stands, and the head is about to be sent on it. */
  onRequestStart(controller: Controller): void;
  /** The first byte of an answer has come. */
  onResponseStarted(): void;
  /** A head has come: those below 200 are followed by another. */
  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders): void;
  onResponseData(controller: Controller, chunk: Buffer): void;
  onResponseEnd(controller: Controller, trailers: IncomingHttpHeaders): void;
  onResponseError(controller: Controller | null, error: Error & { code?: string }): void;
}

export interface UploadOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly method: string;
  /** Flat: names and values in turn. Says how the body is framed. */
  readonly headers: readonly string[];
  /** What is sent: read only once the connection stands, and never destroyed. */
  readonly body: IncomingMessage;
  /** Whether the body comes only once the machine has asked for it with `100 Continue`. */
  readonly expectsContinue: boolean;
  readonly agent: Agent;
  /** How long a machine may take to accept a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long a machine may neither take nor send anything when it is its turn, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/**
 * Sends a request that has a body. Its head goes at once, so that the machine decides by it, before a byte of the body:
 * undici would send no head before the first byte. What goes wrong is told in undici's errors.
 */
export function upload(options: UploadOptions, handler: Handler): ClientRequest | undefined {
  const { host, port, path, method, headers, body, agent, connectTimeoutMs, idleTimeoutMs } = options;
  let awaited = options.expectsContinue;
  let response: IncomingMessage | undefined;
  let over = false;
  let req: ClientRequest;
  try {
    req = request({ host, port, path, method, headers, agent });
  } catch (error) {
    handler.onResponseError(null, new errors.InvalidArgumentError((error as Error).message));
    return undefined;
  }
  const controller: Controller = {
    abort: (reason) => fail(reason),
    pause: () => response?.pause(),
    resume: () => response?.resume(),
  };

  /** Nothing more is told; what is still under way on the connection ends with it. */
  function end(): boolean {
    if (over) return false;
    over = true;
    body.unpipe(req);
    return true;
  }

  function fail(error: Error & { code?: string }): void {
    if (!end()) return;
    req.destroy();
    if (error.code?.startsWith("HPE_")) handler.onResponseStarted();
    handler.onResponseError(controller, error);
  }

  function begin(): void {
    if (over) return;
    handler.onRequestStart(controller);
    if (over) return;
    req.setTimeout(idleTimeoutMs);
    // `flushHeaders` would write Latin-1 values as UTF-8.
    req.write("", "latin1");
    body.pipe(req);
  }

  req.on("error", fail);
  req.once("close", () => {
    if (response === undefined) fail(new errors.SocketError("other side closed"));
  });
  req.once("socket", (socket: Socket) => {
    if (!socket.connecting) return begin();
    const late = setTimeout(() => fail(new errors.ConnectTimeoutError()), connectTimeoutMs);
    req.once("close", () => clearTimeout(late));
    socket.once("connect", () => {
      clearTimeout(late);
      begin();
    });
  });
  req.on("continue", () => {
    awaited = false;
    handler.onResponseStart(controller, 100, {});
  });
  req.on("information", ({ statusCode, headers }) => {
    if (statusCode !== 100) handler.onResponseStart(controller, statusCode, headers);
  });
  // A client that sends no more, or takes no more, is not the machine's fault.
  req.on("timeout", () => {
    const turn = awaited || req.writableEnded || req.writableNeedDrain;
    if (response === undefined && turn) fail(new errors.HeadersTimeoutError());
    else if (response !== undefined && !response.isPaused() && turn) fail(new errors.BodyTimeoutError());
  });
  req.once("response", (started) => {
    response = started;
    awaited = false;
    handler.onResponseStarted();
    handler.onResponseStart(controller, started.statusCode as number, started.headersDistinct);
    started.on("data", (chunk: Buffer) => over || handler.onResponseData(controller, chunk));
    started.once("error", fail);
    started.once("end", () => {
      if (!end()) return;
      if (!req.writableFinished) req.destroy();
      handler.onResponseEnd(controller, started.trailers);
    });
  });
  return req;
}
