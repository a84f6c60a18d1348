import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Routes } from "../context.ts";

/** Headers of the page's answers that are the connection's, and not the page's. */
const connectionHeaders = ["connection", "date", "keep-alive", "transfer-encoding"];

/**
 * `GET /docs`: the OpenAPI document as a page for people, on which calls can be tried; it has nothing from elsewhere. The
 * page is an app of its own (api/docs-app.ts), which answers in this one's place.
 */
export const docsRoutes: Routes = async (app) => {
  let page: Promise<FastifyInstance> | undefined;
  const answer = async ({ method, url, headers }: FastifyRequest, reply: FastifyReply) => {
    page ??= openPage(app);
    const { "if-none-match": known } = headers;
    const call = { method: method as "GET" | "HEAD", url, headers: known ? { "if-none-match": known } : {} };
    const { statusCode, headers: given, rawPayload } = await (await page).inject(call);
    for (const [name, value] of Object.entries(given)) {
      if (value !== undefined && !connectionHeaders.includes(name)) reply.header(name, value);
    }
    return reply.code(statusCode).send(method === "HEAD" ? undefined : rawPayload);
  };
  for (const url of ["/docs", "/docs/*"]) app.get(url, { schema: { hide: true }, handler: answer });
};

async function openPage(app: FastifyInstance): Promise<FastifyInstance> {
  const { addDocs } = await import("../api/docs-app.ts");
  const page = fastify();
  await addDocs(page, app.swagger());
  return page;
}
