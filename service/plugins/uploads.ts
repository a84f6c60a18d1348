import { HttpError } from "../errors.ts";

/** The uploads that are running. */
export interface Uploads {
  readonly active: number;
  /**
   * Runs one more.
   * @throws {HttpError} with status 503 and Retry-After when as many run as may
   */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** At most `max` uploads at a time: each holds a part of its file in memory until the store has it. */
export function limitUploads(max: number): Uploads {
  let active = 0;
  return {
    get active() {
      return active;
    },
    async run(work) {
      if (active >= max)
        throw new HttpError(503, `This machine has ${max} uploads to do; try again later`, {
          "retry-after": 1,
        });
      active += 1;
      try {
        return await work();
      } finally {
        active -= 1;
      }
    },
  };
}
