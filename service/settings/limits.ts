/** A whole number that a stack's configuration gives the app, under `switchyard:app`, by one environment variable. */
interface Limit {
  readonly variable: string;
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
  /** What it counts, for messages. */
  readonly unit: string;
  /** For docs/configuration.md. */
  readonly description: string;
}

/** All of them: what is added here is read from the configuration, described, passed on, and checked by the app. */
export const limits = {
  maxFileBytes: {
    variable: "MAX_FILE_BYTES",
    min: 1,
    // S3 and Google Cloud Storage keep no larger file than 5 TiB.
    max: 5 * 1024 ** 4,
    fallback: 5 * 1024 ** 3,
    unit: "bytes",
    description: "The largest file that can be uploaded, in bytes.",
  },
  maxUploads: {
    variable: "MAX_UPLOADS",
    min: 1,
    max: 10_000,
    fallback: 64,
    unit: "uploads at a time",
    description:
      "Uploads that a machine takes at a time, and fewer where half of its memory has no room for them, at 24 MiB each, and more for one above 62.9 GB on S3. More are told to come back.",
  },
  requestsPerMinute: {
    variable: "RATE_LIMIT",
    min: 0,
    max: 1_000_000,
    fallback: 6000,
    unit: "requests a minute; 0: any number",
    description:
      "Requests to the file API that one client address may make of a machine in a minute; 0: any number.",
  },
} as const satisfies Readonly<Record<string, Limit>>;

type All = typeof limits;

/** Each limit by its key in the configuration. */
export type Limits = { readonly [Key in keyof All]: number };

/** Each limit by its variable. */
export type LimitVariables = { readonly [Key in keyof All as All[Key]["variable"]]: number };

/** Makes an object of one value for each limit, by its key in the configuration or by its variable. */
export function mapLimits<T>(
  nameOf: "key" | "variable",
  make: (limit: Limit, key: keyof All) => T,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries<Limit>(limits).map(([key, limit]) => [
      nameOf === "key" ? key : limit.variable,
      make(limit, key as keyof All),
    ]),
  );
}
