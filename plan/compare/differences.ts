import { isDeepStrictEqual } from "node:util";
import { diffArrays, structuredPatch } from "diff";
import { keyPath } from "../../config/key-path.ts";
import { decoded, isLongText } from "../texts.ts";

/** What is other within one property of a resource. */
export interface Difference {
  /** In Pulumi's notation: `tags["a.b"]`, `backends[1].weight`. Of what is gone from a list, its old place; else the new one. */
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
  /** Absent from what is added. */
  readonly old?: unknown;
  /** Absent from what is deleted. */
  readonly new?: unknown;
}

type Values = Readonly<Record<string, unknown>>;

/** Where two values of one path differ. Scripts, and JSON within text, stay whole: they are shown line by line. */
export function differencesOf(before: unknown, after: unknown, path: string): Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (before === undefined) return [{ path, kind: "add", new: after }];
  if (after === undefined) return [{ path, kind: "delete", old: before }];
  if (Array.isArray(before) && Array.isArray(after)) return listDifferences(before, after, path);
  // A tag in a list is one value.
  const isPair = (value: unknown) => isObject(value) && "key" in value && "value" in value;
  if (isObject(before) && isObject(after) && !isPair(before)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differencesOf(before[key], after[key], keyPath(path, key)));
  }
  return [{ path, kind: "update", old: before, new: after }];
}

/** Items that are in both lists, in the same order, are the same; between them, items at one place are compared. */
function listDifferences(before: readonly unknown[], after: readonly unknown[], path: string): Difference[] {
  const runs = diffArrays([...before], [...after], { comparator: isDeepStrictEqual });
  const found: Difference[] = [];
  let [old, now] = [0, 0];
  for (const [index, { removed, added, value }] of runs.entries()) {
    const next = runs[index + 1];
    if (removed) {
      const other = next?.added ? next.value : [];
      for (const [place, item] of value.entries()) {
        const at = place < other.length ? now + place : old + place;
        found.push(...differencesOf(item, other[place], keyPath(path, at)));
      }
      old += value.length;
    } else if (added) {
      const paired = runs[index - 1]?.removed ? (runs[index - 1]?.value.length ?? 0) : 0;
      for (const [place, item] of [...value.entries()].slice(paired)) {
        found.push({ path: keyPath(path, now + place), kind: "add", new: item });
      }
      now += value.length;
    } else {
      old += value.length;
      now += value.length;
    }
  }
  return found;
}

function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text to be shown line by line: a script, also one in base64, or a JSON document; undefined for any other value. */
export function documentOf(value: unknown): string | undefined {
  const text = decoded(value);
  if (typeof text !== "string") return undefined;
  if (isLongText(text)) return text;
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}

/**
 * Where two documents differ: lines with `+`, `-` or a space before them, and `…` between places.
 * @param context unchanged lines around each changed one
 */
export function changedLines(before: string, after: string, context: number): string[] {
  const { hunks } = structuredPatch("", "", before, after, "", "", { context });
  const lines = hunks.flatMap(({ lines }, index) => [...(index > 0 ? ["…"] : []), ...lines]);
  return lines.filter((line) => !line.startsWith("\\"));
}
