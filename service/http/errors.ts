import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ServiceContext } from "../context.ts";
import { StoreError, type StoreFault } from "../storage/store.ts";
import { HttpError } from "./http-error.ts";
import { headersOf, identityHeaders } from "./identity.ts";
import { logRequest } from "./request-log.ts";

/** An error that may know its HTTP status, as Fastify's own do. */
interface MaybeHttpError extends Error {
  readonly statusCode?: number;
}

/** How a store's faults are answered. Its own words go to the log alone, with their cause. */
const storeAnswers: Readonly<Record<StoreFault, (bucket: string) => HttpError>> = {
  busy: (bucket) =>
    new HttpError(503, `The bucket '${bucket}' is busy; try again later`, { "retry-after": 5 }),
  timeout: (bucket) => new HttpError(504, `The bucket '${bucket}' did not answer in time`),
  unavailable: (bucket) => new HttpError(502, `The bucket '${bucket}' cannot be reached`),
  denied: (bucket) => new HttpError(502, `The bucket '${bucket}' refuses this machine`),
  full: (bucket) => new HttpError(507, `The bucket '${bucket}' is full`),
  unsupported: (bucket) => new HttpError(501, `The bucket '${bucket}' offers no links to files`),
};

/**
 * Makes every error that reaches Fastify an answer `{status, message}`: 4xx say what was wrong, 5xx point to the log.
 * @param bucket what a store is called in answers
 */
export function addErrorAnswers(app: FastifyInstance, bucket = ""): void {
  app.setNotFoundHandler((request, reply) => {
    send(reply, 404, `${request.method} ${pathOf(request)} was not found`);
  });
  app.setErrorHandler((error: MaybeHttpError, request, reply) => {
    if (error instanceof HttpError)
      return send(reply.headers(error.headers), error.statusCode, error.message);
    if (error instanceof StoreError) {
      request.log.error({ err: error, fault: error.fault }, "the store failed");
      const { statusCode, headers, message } = storeAnswers[error.fault](bucket);
      return send(reply.headers(headers), statusCode, message);
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return send(reply, status, error.message);
    request.log.error({ err: error }, "request failed");
    send(reply, status, `${request.method} ${pathOf(request)} failed; see request ${request.id} in the log`);
  });
}

/**
 * Answers 405 with an `Allow` header, whatever the body, where the path has a route for other methods only.
 * Call it when all routes are known, with the methods of each.
 */
export function addMethodAnswers(
  app: FastifyInstance,
  methodsOf: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  for (const [url, allowed] of methodsOf) {
    const allow = [...allowed].join(", ");
    const method = app.supportedMethods.filter((name) => !allowed.has(name));
    const refuse = async (request: FastifyRequest, reply: FastifyReply) => {
      reply.header("allow", allow);
      return send(reply, 405, `${pathOf(request)} does not take ${request.method}`);
    };
    app.route({ url, method, schema: { hide: true }, onRequest: refuse, handler: refuse });
  }
}

/** Answers what Fastify cannot route: a path that is wrongly percent-encoded, or has too long a parameter. */
export function frameworkErrors(context: ServiceContext) {
  const setHeaders = headersOf(context);
  return (error: MaybeHttpError, request: FastifyRequest, reply: FastifyReply): void => {
    const status = error.statusCode ?? 500;
    setHeaders(request, reply);
    send(reply, status, error.message);
    logRequest(request, { status });
  };
}

/** Answers what Node.js cannot parse as HTTP, or did not get in time, and ends the connection. */
export function clientErrorHandler({ settings }: ServiceContext) {
  const statuses: Readonly<Record<string, number>> = {
    HPE_HEADER_OVERFLOW: 431,
    ERR_HTTP_REQUEST_TIMEOUT: 408,
  };
  const headers = Object.entries({
    ...identityHeaders(settings),
    "content-type": "application/json; charset=utf-8",
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return function (this: FastifyInstance, error: ConnectionError, socket: Socket): void {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const status = statuses[error.code] ?? 400;
    this.log.info({ status, code: error.code, ip: socket.remoteAddress }, "not a request");
    const body = JSON.stringify({ status, message: STATUS_CODES[status] });
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join("")}content-length: ${body.length}\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  };
}

function send(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).type("application/json; charset=utf-8").send({ status, message });
}

/** A request's path, without its query. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] ?? request.url;
}
