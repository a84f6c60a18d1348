import { type ApiDocument, renderDocs } from "../api/docs-page.ts";
import { anyError } from "../api/schemas.ts";
import type { Routes } from "../context.ts";

/** `GET /docs`: the OpenAPI document as a page for people, which needs no script and nothing from elsewhere. */
export const docsRoutes: Routes = async (app) => {
  let page: string | undefined;
  app.get("/docs", {
    schema: {
      summary: "This description, for people",
      response: {
        200: { description: "A page", content: { "text/html": { schema: { type: "string" } } } },
        default: anyError,
      },
    },
    handler: (_request, reply) => {
      page ??= renderDocs(app.swagger() as ApiDocument);
      reply
        .type("text/html; charset=utf-8")
        .header(
          "content-security-policy",
          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        )
        .send(page);
    },
  });
};
