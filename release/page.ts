import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";

/** What of the page a browser gets as it is. */
const asIs = ["index.html", "page.css"];

export interface Page {
  /** By name. */
  readonly files: Readonly<Record<"index.html" | "page.css" | "page.js", Uint8Array>>;
  /** Every file that is in them, relative to the root. */
  readonly inputs: readonly string[];
}

/**
 * Bundles a page for browsers.
 * @param root the folder with `service/` and `node_modules/` in it
 * @param sources the page's folder, relative to that. Default: the controller's
 * @throws {BuildFailure} of esbuild's, when it cannot be bundled
 */
export async function bundlePage(root: string, sources = "service/page"): Promise<Page> {
  const { build } = await import("esbuild");
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [`./${sources}/main.ts`],
    bundle: true,
    platform: "browser",
    target: "es2024",
    format: "esm",
    charset: "utf8",
    minify: true,
    legalComments: "none",
    preserveSymlinks: true,
    tsconfigRaw: {},
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const read = (name: string) => readFileSync(join(root, sources, name));
  return {
    files: {
      "index.html": read("index.html"),
      "page.css": read("page.css"),
      "page.js": outputFiles[0]?.contents ?? new Uint8Array(),
    },
    inputs: [...Object.keys((metafile as Metafile).inputs), ...asIs.map((name) => `${sources}/${name}`)],
  };
}
