import { existsSync } from "node:fs";
import { join } from "node:path";
import { fastifySwaggerUi } from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";

/** All that the page needs is its own; scripts and styles that stand in it, and other origins, are refused. */
export const docsPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Where a release has Swagger UI's own files (release/build.ts); run from its sources, the app has them from its package. */
const packed = join(import.meta.dirname, "swagger-ui");

/** Follows what the reader's system prefers; the page's own switch is for one visit. */
const darkMode = `const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
`;

/** There is one description; the page asks for no other. */
const style =
  ".swagger-ui .topbar .download-url-wrapper, .swagger-ui .topbar .link { display: none !important; }\n";

/**
 * Makes `app`, an app of its own that never listens, serve Swagger UI below `/docs` over a description. It is loaded and
 * made when the page is first asked for: it would be most of the app's start.
 */
export async function addDocs(app: FastifyInstance, document: object): Promise<void> {
  app.decorate("swagger", (() => document) as FastifyInstance["swagger"]);
  await app.register(async (page) => {
    await fastifySwaggerUi(
      page,
      {
        routePrefix: "/docs",
        ...(existsSync(packed) && { baseDir: packed }),
        staticCSP: docsPolicy,
        // biome-ignore lint/suspicious/noExplicitAny: its types have no word for a page without a logo
        logo: null as any,
        theme: {
          title: "API",
          css: [{ filename: "page.css", content: style }],
          js: [{ filename: "dark-mode.js", content: darkMode }],
        },
        uiConfig: {
          deepLinking: true,
          tryItOutEnabled: true,
          docExpansion: "list",
          persistAuthorization: false,
        },
      },
      () => {},
    );
  });
  await app.ready();
}
