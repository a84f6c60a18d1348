import { setTimeout as pause } from "node:timers/promises";
import type { LogOptions } from "./machines.ts";

/** What a log or console got since the last call, in pieces; nothing when it got nothing. */
export type Tail = () => AsyncIterable<string>;

/** How much of what was shown last must be found again in a console that has scrolled on, in characters. */
const overlap = 400;

/**
 * What is there of a log, and then, if asked to follow it, what is added until the signal is aborted.
 *
 * @param everyMs pause between two looks, in milliseconds
 */
export async function* follow(
  tail: Tail,
  everyMs: number,
  options: LogOptions,
): AsyncGenerator<string, void, undefined> {
  const { signal } = options;
  while (!signal.aborted) {
    for await (const text of tail()) {
      yield text;
      if (signal.aborted) return;
    }
    if (!options.follow) return;
    await pause(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** The tail of a console that is only ever told whole, and of which the beginning is dropped when it gets long. */
export function scrolling(read: () => Promise<string>): Tail {
  let shown = "";
  return async function* () {
    const now = await read();
    const part = newPart(shown, now);
    shown = now;
    if (part !== "") yield part;
  };
}

/** What a console shows now that it did not show before; all of it when none of that is left. */
export function newPart(before: string, now: string): string {
  const end = before.slice(-overlap);
  const at = end === "" ? -1 : now.lastIndexOf(end);
  return at < 0 ? now : now.slice(at + end.length);
}
