import type { FastifyReply } from "fastify";
import type { FileContext } from "../context.ts";
import { HttpError } from "../http/http-error.ts";
import { StoreError } from "../storage/store.ts";

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
 * and at a limit: after so many seconds, or with another signal.
 * @throws {StoreError} when the store fails, with the fault `timeout` when time is up; and the other signal's reason
 */
export async function callStore<T>(
  { cutOff }: FileContext,
  reply: FastifyReply,
  limit: number | AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = hangUp(reply);
  const ended = typeof limit === "number" ? AbortSignal.timeout(limit * 1000) : limit;
  try {
    return await work(AbortSignal.any([gone, cutOff, ended]));
  } catch (error) {
    if (gone.aborted) throw new HttpError(400, "The caller hung up");
    if (cutOff.aborted) throw new HttpError(503, "This machine is stopping; try again", { "retry-after": 1 });
    if (!ended.aborted) throw error;
    throw typeof limit === "number"
      ? new StoreError("timeout", `no answer within ${limit} s`, error)
      : ended.reason;
  }
}
