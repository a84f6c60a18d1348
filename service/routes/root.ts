import { anyError, jsonAnswer } from "../api/schemas.ts";
import type { Routes } from "../context.ts";
import { healthHandler, healthResponses } from "./health.ts";

/** `GET /`: the greeting, or the health check, as `ROOT` says. */
export const rootRoutes: Routes = async (app, { settings, draining }) => {
  if (settings.ROOT === "health") {
    app.get("/", {
      config: { quiet: true },
      schema: {
        operationId: "greet",
        summary: "Whether this machine takes requests",
        response: healthResponses,
      },
      handler: healthHandler(draining),
    });
    return;
  }
  const greeting = {
    status: 200,
    message: `Successfully connected to ${settings.PROJECT} upload/download API`,
  };
  app.get("/", {
    schema: {
      operationId: "greet",
      summary: "Greets",
      response: { 200: jsonAnswer("The greeting, with the project's name"), default: anyError },
    },
    handler: (_request, reply) => {
      reply.send(greeting);
    },
  });
};
