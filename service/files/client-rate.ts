import type { IncomingMessage } from "node:http";
import { HttpError } from "../http/http-error.ts";

/** The least that a client may send on average, in bytes a second: what Apache's mod_reqtimeout asks for (`MinRate`). */
const minRate = 500;
/** How often in `seconds` a client is looked at. */
const samples = 10;

/**
 * Does what needs a request's body, with a signal that is aborted, with 408 as its reason, once the client has sent less
 * than 500 bytes/s in `seconds` for which it was waited for. While what it has sent waits to be taken, that is not its
 * time. The request itself is left intact, because the answer goes out on the same connection.
 */
export async function watchingClient<T>(
  request: IncomingMessage,
  seconds: number,
  work: (slow: AbortSignal) => Promise<T>,
): Promise<T> {
  const slow = new AbortController();
  const least = minRate * seconds;
  const received: number[] = [];
  const look = () => {
    if (request.complete || request.readableLength > 0) return;
    const now = request.socket.bytesRead;
    received.push(now);
    if (received.length <= samples) return;
    const sent = now - (received.shift() ?? now);
    if (sent >= least) return;
    slow.abort(new HttpError(408, `The client sent too slowly: less than ${least} bytes in ${seconds} s`));
  };
  const timer = setInterval(look, (seconds * 1000) / samples);
  look();
  try {
    return await work(slow.signal);
  } finally {
    clearInterval(timer);
  }
}
