import type { Log } from "./spec.ts";

/** How often a warning with the same message is logged at most, in milliseconds. */
const quietMs = 1000;

/**
 * A log for what happens per request or connection: each warning is written at most once a second, with how many
 * were left out since the last (`omitted`). Otherwise clients could fill the disk by asking an empty cluster.
 */
export function throttle(log: Log): Log {
  const seen = new Map<string, { at: number; omitted: number }>();
  return {
    info: (details, message) => log.info(details, message),
    error: (details, message) => log.error(details, message),
    warn(details, message) {
      const now = performance.now();
      const last = seen.get(message);
      if (last && now - last.at < quietMs) {
        last.omitted++;
        return;
      }
      seen.set(message, { at: now, omitted: 0 });
      log.warn(last?.omitted ? { ...details, omitted: last.omitted } : details, message);
    },
  };
}
