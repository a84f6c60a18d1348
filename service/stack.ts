import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { join } from "node:path";

const maps = new Map<string, SourceMap | undefined>();

/** The map beside a file of the release. One that cannot be read is as good as none: the error is what is to be logged. */
function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(`${file}.map`));
  return maps.get(file);
}

function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}

/**
 * A stack that names the app's sources, `service/run.ts:28:17`, where it named the release's files; places in dependencies
 * stay as they are. Node.js's own way, `--enable-source-maps`, takes 10 MiB of memory before there is any error.
 */
export function stackOfSources(stack: string): string {
  const folder = `${import.meta.dirname}/`;
  const [first = "", ...rest] = stack.split(folder);
  return first + rest.map((text) => ownPlace(text) ?? folder + text).join("");
}

/** A text that begins with a place in a file of the release, with that in the sources in its stead. */
function ownPlace(text: string): string | undefined {
  const [place = "", file = "", line, column] = /^([\w-]+\.js):(\d+):(\d+)/.exec(text) ?? [];
  const origin = place && mapOf(join(import.meta.dirname, file))?.findOrigin(Number(line), Number(column));
  if (!origin || !("fileName" in origin)) return undefined;
  const { fileName, lineNumber, columnNumber } = origin;
  return `${fileName.replace(/^(\.\.\/)+/, "")}:${lineNumber}:${columnNumber}${text.slice(place.length)}`;
}
