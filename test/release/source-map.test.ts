import { mkdirSync, writeFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { mapOfSources } from "../../release/source-map.ts";
import { temporaryFolder } from "../support/fake-cli.ts";

const functions = (name: string) =>
  Array.from(
    { length: 40 },
    (_, line) => `export const ${name}${line} = (value) =>\n  value * ${line};\n`,
  ).join("");

test.each([true, false])(
  "what is kept of a map stands where it stood, and all else is nobody's (minified: %j)",
  async (minify) => {
    const root = temporaryFolder();
    mkdirSync(join(root, "node_modules"));
    writeFileSync(join(root, "node_modules/one.js"), functions("one"));
    writeFileSync(join(root, "node_modules/two.js"), functions("two"));
    const imports = 'export * from "./node_modules/one.js";\nexport * from "./own.js";\n';
    writeFileSync(join(root, "own.js"), functions("own"));
    writeFileSync(
      join(root, "main.js"),
      `${imports}export * from "./node_modules/two.js";\n${functions("main")}`,
    );
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: ["main.js"],
      outdir: "out",
      bundle: true,
      format: "esm",
      minify,
      sourcemap: "external",
      write: false,
    });
    const [map, code] = outputFiles.map(({ text }) => text) as [string, string];
    const all = JSON.parse(map);
    const kept = mapOfSources(all, (source) => !source.includes("node_modules/"));
    expect(kept.sources).toEqual(["../own.js", "../main.js"]);
    expect(kept.mappings.length).toBeLessThan(all.mappings.length / 1.5);

    const [before, after] = [new SourceMap(all), new SourceMap({ ...all, ...kept })];
    const found = new Map<string, number>();
    for (const [line, text] of code.split("\n").entries()) {
      for (let column = 1; column <= text.length; column += 1) {
        const origin = before.findOrigin(line + 1, column);
        const source = "fileName" in origin ? origin.fileName : "";
        const isOwn = kept.sources.includes(source);
        expect(after.findOrigin(line + 1, column)).toEqual(isOwn ? { ...origin, name: undefined } : {});
        found.set(source, (found.get(source) ?? 0) + 1);
      }
    }
    for (const source of all.sources) expect(found.get(source), source).toBeGreaterThan(300);
  },
);
