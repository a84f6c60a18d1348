import { totalmem } from "node:os";
import { HttpError } from "../http/http-error.ts";

/** The uploads that are running. */
export interface Uploads {
  readonly active: number;
  /**
   * Runs one more.
   * @throws {HttpError} with status 503 and Retry-After when as many run as may
   */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * What an upload holds in memory until its store has it, at most: three parts for S3 (storage/s3-upload.ts), and what is
 * on its way in and out. In bytes; measured with ten at once.
 */
const uploadBytes = 24 * 1024 ** 2;

/** How many uploads, `max` at most, half of the memory that this process may have has room for; one in any case. */
export function uploadsThatFit(
  max: number,
  memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
): number {
  return Math.max(1, Math.min(max, Math.floor(memory / 2 / uploadBytes)));
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
