import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ServiceContext } from "../context.ts";
import type { ServiceSettings } from "../settings/settings.ts";

/** The headers of every answer: which machine, release, revision and cluster it is from, and that it is what it says it is. */
export function identityHeaders(settings: ServiceSettings): Readonly<Record<string, string>> {
  return {
    "x-instance-id": settings.INSTANCE_ID,
    "x-release": settings.RELEASE,
    "x-revision": settings.REVISION,
    "x-cluster": settings.CLUSTER,
    "x-content-type-options": "nosniff",
  };
}

/** The caller's `x-request-id`, if it is one that is safe to log and to repeat; else a new UUID. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[\w.:=+/@-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Puts an answer's headers on it: where it is from, the request's id, and `Connection: close` while draining. */
export function headersOf({ settings, draining }: ServiceContext) {
  const identity = identityHeaders(settings);
  return (request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers(identity).header("x-request-id", request.id);
    if (draining.aborted) reply.header("connection", "close");
  };
}

/** Names the answering machine on every answer that Fastify's routing gives, just before it is sent. */
export function addHeaders(app: FastifyInstance, context: ServiceContext): void {
  const setHeaders = headersOf(context);
  app.addHook("onSend", (request, reply, _payload, done) => {
    setHeaders(request, reply);
    done();
  });
}
