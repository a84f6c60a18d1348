/** How much of an attack there is. */
export interface Scale {
  /** Streams of random bytes. */
  readonly streams: number;
  /** Heads that are held without their body, and how often they are renewed. */
  readonly heads: number;
  readonly renewals: number;
  /** Connections whose client reads nothing. */
  readonly readers: number;
  /** Connections that say nothing, where a process may have few files open. */
  readonly idle: number;
  /** Memory that the control plane may keep, in MB: a process gives back little of what it has once needed. */
  readonly megabytes: number;
}

const scales: Readonly<Record<string, Scale>> = {
  full: { streams: 20_000, heads: 4_200, renewals: 3, readers: 100, idle: 5_000, megabytes: 300 },
  short: { streams: 1_500, heads: 1_200, renewals: 1, readers: 40, idle: 1_000, megabytes: 120 },
};

const chosen = process.env.SWITCHYARD_ATTACK ?? "full";

/** `SWITCHYARD_ATTACK=short npm run test:attack` attacks for less than a minute; without it, `full`, for minutes. */
export const scale = scales[chosen] as Scale;
if (scale === undefined) {
  throw new Error(`SWITCHYARD_ATTACK is "${chosen}"; it may be ${Object.keys(scales).join(" or ")}`);
}
