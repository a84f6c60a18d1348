import type { FastifyReply } from "fastify";
import type { FileContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { StoreError } from "./storage/store.ts";

/** Aborted when the caller hangs up before it has its answer. */
function hangUp({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once("close", () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/**
 * Calls the store on a caller's behalf, with a signal that is aborted when the caller hangs up, when the app must end,
 * and after `limitSeconds`.
 * @throws {StoreError} when the store fails, with the fault `timeout` after `limitSeconds`
 */
export async function callStore<T>(
  { cutOff }: FileContext,
  reply: FastifyReply,
  limitSeconds: number | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = hangUp(reply);
  const limit = limitSeconds === undefined ? [] : [AbortSignal.timeout(limitSeconds * 1000)];
  try {
    return await work(AbortSignal.any([gone, cutOff, ...limit]));
  } catch (error) {
    if (gone.aborted) throw new HttpError(400, "The caller hung up");
    if (cutOff.aborted) throw new HttpError(503, "This machine is stopping; try again", { "retry-after": 1 });
    if (limit[0]?.aborted) throw new StoreError("timeout", `no answer within ${limitSeconds} s`, error);
    throw error;
  }
}
