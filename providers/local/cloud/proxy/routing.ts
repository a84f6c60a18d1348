import { type Backend, hasRoom } from "./pool.ts";

/**
 * Whether a request target in origin form (`/path?query`) is for `path`: `P` and `P/…`, nothing else. The bytes are
 * compared as they were sent: `/cluster1` catches neither `/cluster10` nor `/cluster%31`.
 */
export function matchesPath(url: string, path: string): boolean {
  if (!url.startsWith(path)) return false;
  const next = url[path.length];
  return next === undefined || next === "/" || next === "?";
}

/** The backend for a request: the first whose path matches, else one by weight. Undefined when there is none. */
export function chooseBackend(backends: readonly Backend[], url: string): Backend | undefined {
  for (const backend of backends) {
    const { path } = backend.spec;
    if (path !== undefined && matchesPath(url, path)) return backend;
  }
  return chooseByWeight(backends, true) ?? chooseByWeight(backends, false);
}

/**
 * Smooth weighted round robin: each call adds to every candidate its weight, and the richest pays the sum. Only
 * backends with a weight above 0 take part, and as long as one of those has a healthy machine with room, only backends
 * that have one: a request that any cluster may answer does not fail because its turn fell on an empty or a full one.
 */
function chooseByWeight(backends: readonly Backend[], ready: boolean): Backend | undefined {
  let best: Backend | undefined;
  let total = 0;
  for (const backend of backends) {
    const { weight } = backend.spec;
    if (weight === 0 || (ready && !backend.ready.some(hasRoom))) continue;
    total += weight;
    backend.credit += weight;
    if (best === undefined || backend.credit > best.credit) best = backend;
  }
  if (best) best.credit -= total;
  return best;
}
