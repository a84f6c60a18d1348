import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Routes } from "../context.ts";

/** The page's files, by their names: `index.html` and what it names. */
export type PageFiles = Readonly<Record<string, Uint8Array>>;

const types: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
};

/** All that the page needs is its own; scripts and styles that stand in it, frames around it and other origins are refused. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Where a release has the page (release/build.ts). */
const packed = join(import.meta.dirname, "page");

/** The page of a release; sources have none, because it is bundled for browsers. */
export function packedPage(): PageFiles | undefined {
  if (!existsSync(packed)) return undefined;
  return Object.fromEntries(Object.keys(types).map((name) => [name, readFileSync(join(packed, name))]));
}

/** `GET /` and what that page names: schedules, for people. */
export function pageRoutes(files: PageFiles): Routes {
  return async (app) => {
    for (const [name, content] of Object.entries(files))
      app.get(name === "index.html" ? "/" : `/${name}`, {
        // Also while the machine is busy: half a page is of no use.
        config: { quiet: true },
        schema: { hide: true },
        handler: (_request, reply) => {
          reply
            .type(types[name] ?? "application/octet-stream")
            .header("content-security-policy", pagePolicy)
            .header("referrer-policy", "no-referrer")
            .header("cache-control", "no-cache")
            .send(content);
        },
      });
  };
}
