/** A whole number that the configuration of a stack gives the app: its bounds, and its default. */
export interface Limit {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/** In bytes. S3 and Google Cloud Storage keep no larger file than 5 TiB. */
export const maxFileBytes: Limit = { min: 1, max: 5 * 1024 ** 4, fallback: 5 * 1024 ** 3 };
export const maxUploads: Limit = { min: 1, max: 10_000, fallback: 64 };
/** 0: any number. */
export const requestsPerMinute: Limit = { min: 0, max: 1_000_000, fallback: 6000 };
