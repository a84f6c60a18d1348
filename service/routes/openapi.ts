import { anyError } from "../api/schemas.ts";
import type { Routes } from "../context.ts";

/** `GET /openapi.json`: the description of every route, made when it is first asked for. */
export const openapiRoutes: Routes = async (app) => {
  app.get("/openapi.json", {
    schema: {
      operationId: "getDescription",
      summary: "This description",
      response: {
        200: { description: "An OpenAPI 3.1 document", type: "object", additionalProperties: true },
        default: anyError,
      },
    },
    handler: (_request, reply) => {
      reply.send({ ...app.swagger() });
    },
  });
};
