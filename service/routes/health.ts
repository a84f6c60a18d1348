import { anyError, textAnswer } from "../api/schemas.ts";
import type { Routes } from "../context.ts";

/** The answers of {@link healthHandler}. */
export const healthResponses = {
  200: textAnswer("Takes requests", "^Healthy!$"),
  503: textAnswer("Is stopping; send requests elsewhere", "^Draining$"),
  default: anyError,
};

/** As much of Fastify's as this needs, whatever the route's types. */
interface Reply {
  code(status: 503): Reply;
  send(text: string): unknown;
}

/** Answers a load balancer: 200 `Healthy!`, or 503 `Draining` once `draining` is aborted. */
export function healthHandler(draining: AbortSignal) {
  return (_request: unknown, reply: Reply): void => {
    if (draining.aborted) reply.code(503).send("Draining");
    else reply.send("Healthy!");
  };
}

/** `GET /healthz`, the health check unless the stack's configuration names another path. */
export const healthRoutes: Routes = async (app, { draining }) => {
  app.get("/healthz", {
    config: { quiet: true },
    schema: {
      operationId: "getHealth",
      summary: "Whether this machine takes requests",
      response: healthResponses,
    },
    handler: healthHandler(draining),
  });
};
