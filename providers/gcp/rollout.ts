import type { Draft, RolloutSettings } from "../../config/settings.ts";

/** A group that spans zones can have no fewer machines on top than it has zones; no region has more than four. */
const leastSurge = 4;

/** How many machines a group of at most `max` has on top while it is rolled: half of them, as many as it must at least. */
export function surgeOf(max: number): number {
  return Math.max(leastSurge, Math.ceil(max / 2));
}

/** How long IAM may take until a new account's rights are known everywhere, in seconds: minutes, at times seven (https://cloud.google.com/iam/docs/access-change-propagation). The startup script tries that long. */
export const iamSeconds = 600;

/** Making a machine, and finding it healthy; in seconds. */
const slackSeconds = 120;

/** How long a new global load balancer may take until it answers, in seconds. */
const balancerSeconds = 900;

/** The longest that auto-healing waits for a new machine, in seconds (`initialDelaySec` in Compute Engine's API). */
const longestDelay = 3600;

/** The longest `rollout.timeoutSeconds`, so that no machine is given up before it has given up itself. */
export const longestTimeout = longestDelay - iamSeconds - slackSeconds;

/** How long a new machine may take before auto-healing looks at it, in seconds. */
export function initialDelaySeconds({ timeoutSeconds }: RolloutSettings): number {
  return iamSeconds + timeoutSeconds + slackSeconds;
}

/** How long it may take until all machines answer: a load balancer's first time, or the machines in turns, whichever is more. */
export function rolloutSeconds(max: number, { timeoutSeconds, drainSeconds }: RolloutSettings): number {
  const turns = Math.ceil(max / surgeOf(max));
  return balancerSeconds + iamSeconds + turns * (slackSeconds + timeoutSeconds + drainSeconds);
}

/** How many machines of a group may be away at once while it is rolled. */
export function unavailableOf(size: number, { minHealthyPercent = 100 }: Draft<RolloutSettings>): number {
  const share = Math.floor((size * (100 - minHealthyPercent)) / 100);
  return share >= leastSurge ? share : 0;
}
