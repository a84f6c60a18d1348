import { totalmem } from "node:os";
import { HttpError } from "../http/http-error.ts";

/** The uploads that are running. */
export interface Uploads {
  readonly active: number;
  /**
   * Runs one more.
   * @param bytes what it may hold in memory at a time
   * @throws {HttpError} with status 503 and Retry-After when as many run as may, or hold as much as may be; with 413 when
   * it alone would hold more
   */
  run<T>(bytes: number, work: () => Promise<T>): Promise<T>;
}

/**
 * What an upload holds in memory until its store has it, at most, unless the store says otherwise of a file's size: what
 * is on its way in and out, and its parts. In bytes; measured with ten at once.
 */
export const uploadBytes = 24 * 1024 ** 2;

/** How much memory all uploads together may hold, in bytes: half of what this process may have. */
function memoryForUploads(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 2;
}

/** At most `max` uploads at a time, which together may hold `memory` bytes; one of the usual kind in any case. */
export function limitUploads(max: number, memory = memoryForUploads()): Uploads {
  let [active, held] = [0, 0];
  return {
    get active() {
      return active;
    },
    async run(bytes, work) {
      if (bytes > Math.max(memory, uploadBytes)) {
        const room = `this machine has ${Math.floor(memory)} for all uploads`;
        throw new HttpError(413, `A file of this size takes ${bytes} bytes of memory to store, and ${room}`);
      }
      if (active >= max || (active > 0 && held + bytes > memory)) {
        const message = `This machine has ${active} uploads to do; try again later`;
        throw new HttpError(503, message, { "retry-after": 1 });
      }
      active += 1;
      held += bytes;
      try {
        return await work();
      } finally {
        active -= 1;
        held -= bytes;
      }
    },
  };
}
