import { answerSchema, anyError } from "../api/schemas.ts";
import type { Routes } from "../context.ts";
import { healthHandler, healthResponses } from "./health.ts";

/** `GET /`: the greeting, or the health check, as `ROOT` says. */
export const rootRoutes: Routes = async (app, { settings, draining }) => {
  if (settings.ROOT === "health") {
    app.get("/", {
      config: { quiet: true },
      schema: { summary: "Whether this machine takes requests", response: healthResponses },
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
      summary: "Greets",
      response: { 200: answerSchema("The greeting, with the project's name"), default: anyError },
    },
    handler: (_request, reply) => {
      reply.send(greeting);
    },
  });
};
