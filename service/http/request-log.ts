import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from "fastify";
import { stdSerializers } from "pino";
import { droppedLine, logLines } from "../log-lines.ts";
import type { ServiceSettings } from "../settings/settings.ts";
import { stackOfSources } from "../stack.ts";

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
  const { method, ip } = request;
  const url = loggable(request.url);
  request.log[request.routeOptions.config?.quiet ? "debug" : "info"](
    { method, url, ip, ...outcome },
    "request",
  );
}

/** Characters of a URL that are logged: enough for every route and most names of files. */
const maxUrl = 500;

/** A URL without the values in its query, which may be secret, and not longer than a line of a log should be. */
function loggable(url: string): string {
  const [path = "", query] = url.split(/\?(.*)/s);
  const names = query?.split("&").map((part) => part.split("=", 1)[0]);
  const shown = names ? `${path}?${names.join("&")}` : path;
  return shown.length > maxUrl ? `${shown.slice(0, maxUrl)}…` : shown;
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
  const base = {
    instance: settings.INSTANCE_ID,
    cluster: settings.CLUSTER,
    release: settings.RELEASE.slice(0, 12),
  };
  return {
    level: settings.LOG_LEVEL,
    base,
    serializers: { err: errorFields },
    stream: stream ?? logLines(1, droppedLine(base)),
  };
}

/** What is thrown may be no error, and is logged as it is then. */
function errorFields(error: Error) {
  const fields = stdSerializers.err(error);
  return typeof fields?.stack === "string" ? { ...fields, stack: stackOfSources(fields.stack) } : fields;
}
