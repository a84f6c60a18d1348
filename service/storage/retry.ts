import { setTimeout as sleep } from "node:timers/promises";

const attempts = 3;
/** The longest pause before the second attempt, in milliseconds; it doubles with each. */
const backOffMs = 200;

/** How an attempt ended. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/**
 * Does what may be done twice up to three times, with random pauses, as long as `mayPass` says of an outcome that
 * another attempt may end otherwise.
 */
export async function retrying<T>(
  signal: AbortSignal,
  mayPass: (outcome: Outcome<T>) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await work().then(
      (value): Outcome<T> => ({ value }),
      (error: unknown): Outcome<T> => ({ error }),
    );
    if (attempt === attempts || signal.aborted || !mayPass(outcome)) {
      if ("error" in outcome) throw outcome.error;
      return outcome.value;
    }
    await sleep(Math.random() * backOffMs * 2 ** (attempt - 1), undefined, { signal });
  }
}

/** Whether a server that gave this answer may soon give another; 498 is Swift's rate limit. */
export function isPassing(status: number): boolean {
  return [408, 429, 498, 500, 502, 503, 504].includes(status);
}
