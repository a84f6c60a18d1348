import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from "fastify";
import type { ServiceSettings } from "../settings/settings.ts";

/** Fastify's logging, with one line for each answered request instead of two. No header is ever logged. */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: "requestId" });
  }

  override incomingRequest(): void {}

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const ms = Math.round(reply.elapsedTime * 100) / 100;
    logRequest(request, { status: reply.statusCode, ms, ...(error && { err: error }) });
  }
}

/** Logs a request and how it went; at level `debug` if its route is a quiet one. */
export function logRequest(request: FastifyRequest, outcome: Readonly<Record<string, unknown>>): void {
  const { method, url, ip } = request;
  request.log[request.routeOptions.config?.quiet ? "debug" : "info"](
    { method, url, ip, ...outcome },
    "request",
  );
}

/** Logs the requests whose caller hung up before it had its answer, which Fastify calls neither completed nor failed. */
export function logAbortedRequests(app: FastifyInstance): void {
  app.addHook("onRequestAbort", (request, done) => {
    logRequest(request, { aborted: true });
    done();
  });
}

/** JSON lines to `stream`, by default stdout, each with the machine, its cluster and the start of its release. */
export function loggerOptions(
  settings: ServiceSettings,
  stream?: { write(line: string): void },
): NonNullable<FastifyServerOptions["logger"]> {
  return {
    level: settings.LOG_LEVEL,
    base: {
      instance: settings.INSTANCE_ID,
      cluster: settings.CLUSTER,
      release: settings.RELEASE.slice(0, 12),
    },
    ...(stream && { stream }),
  };
}
