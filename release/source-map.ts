const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The parts of a source map that are read and written here (ECMA-426, version 3). */
export interface SourceMapJson {
  readonly version: number;
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
}

/**
 * Keeps of a source map what stands for some of its sources. All else is marked as nobody's: a reader would take it for a
 * part of what stands before it.
 */
export function mapOfSources(map: SourceMapJson, isKept: (source: string) => boolean): SourceMapJson {
  const sources = map.sources.filter(isKept);
  const placeOf = new Map(map.sources.map((source, index) => [index, sources.indexOf(source)]));
  const read = { source: 0, line: 0, column: 0 };
  const written = { source: 0, line: 0, column: 0 };
  let isInKept = false;
  const lines = map.mappings.split(";").map((line) => {
    let [readAt, writtenAt] = [0, 0];
    const kept: string[] = [];
    for (const segment of line === "" ? [] : line.split(",")) {
      const [at = 0, source, originalLine = 0, column = 0] = numbersOf(segment);
      readAt += at;
      read.source += source ?? 0;
      read.line += originalLine;
      read.column += column;
      const place = source === undefined ? -1 : (placeOf.get(read.source) ?? -1);
      if (place < 0 && !isInKept) continue;
      const numbers = [readAt - writtenAt];
      writtenAt = readAt;
      isInKept = place >= 0;
      if (isInKept) {
        numbers.push(place - written.source, read.line - written.line, read.column - written.column);
        Object.assign(written, read, { source: place });
      }
      kept.push(numbers.map(textOf).join(""));
    }
    return kept.join(",");
  });
  return { version: map.version, sources, names: [], mappings: lines.join(";") };
}

/** A segment's numbers: base 64, the lowest five bits first, the lowest of all the sign. */
function numbersOf(segment: string): number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = digits.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >>> 1) : value >>> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

function textOf(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let text = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += digits.charAt(rest > 0 ? digit | 32 : digit);
  } while (rest > 0);
  return text;
}
