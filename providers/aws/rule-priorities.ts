import { createHash } from "node:crypto";
import { mostSegments } from "./config.ts";

/** A listener's rules have priorities from 1 to this (CreateRule in Elastic Load Balancing's API reference). */
const lastPriority = 50_000;

/** Priorities for each number of segments. */
const band = lastPriority / mostSegments;

/** Numbers at the end of a path that keep their order: `/cluster2` comes after `/cluster1`. */
const numbers = 1000;

/**
 * A priority for each path, which two rules never share, not even while one deployment changes them: it follows from the
 * path, and not from the others or their order. Order matters only between a path and what is below it, so the one with
 * more segments comes first; paths that differ in a number at their end stand beside each other, in its order. Two that
 * meet by chance (1 in 400 for two paths with as many segments and other words) both move, so that either may come or go.
 *
 * @param paths at most 10 segments each, none twice
 */
export function prioritiesOf(paths: readonly string[]): ReadonlyMap<string, number> {
  const tries = new Map(paths.map((path) => [path, 0]));
  for (;;) {
    const priorities = new Map([...tries].map(([path, tried]) => [path, priorityOf(path, tried)]));
    const meeting = [...Map.groupBy(priorities.keys(), (path) => priorities.get(path)).values()]
      .filter(({ length }) => length > 1)
      .flat();
    if (meeting.length === 0) return priorities;
    for (const path of meeting) tries.set(path, (tries.get(path) ?? 0) + 1);
  }
}

function priorityOf(path: string, tried: number): number {
  const segments = path.split("/").length - 1;
  const [, stem = "", digits = "0"] = /^(.*?)(\d{1,3})?$/.exec(path) ?? [];
  const place =
    tried === 0 ? (hashOf(stem) % (band - numbers)) + Number(digits) : hashOf(`${path}#${tried}`) % band;
  return (mostSegments - segments) * band + place + 1;
}

function hashOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE();
}
