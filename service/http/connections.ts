import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import { HttpError } from "./http-error.ts";

/** The head of a request must have arrived in this time, in milliseconds: Node.js's own default. */
const headersTimeout = 60_000;

/** How long a caller that was answered may go on sending, in milliseconds: the answer would be lost if it were cut off. */
const lingerMs = 5000;

/** Requests whose body has not been asked for yet. */
const waiting = new WeakSet<IncomingMessage>();

/**
 * Lets uploads last as long as they move (files/client-rate.ts, files/stream.ts), which no limit for a whole request can: a
 * caller that waits for `100 Continue` gets it when its body is wanted, so that one who is refused sends nothing; and one
 * that goes on sending after its answer is cut off. And refuses a request that names its host or its token twice: what
 * stands in front of the app may go by the other.
 */
export function addConnectionRules(app: FastifyInstance): void {
  app.server.headersTimeout = headersTimeout;
  app.server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    waiting.add(request);
    app.server.emit("request", request, response);
  });
  app.addHook("onRequest", ({ raw }, _reply, done) => {
    const twice = onlyOnce.find((name) => countOf(raw, name) > 1);
    done(twice === undefined ? undefined : new HttpError(400, `The header ${twice} must not be there twice`));
  });
  app.addHook("onSend", ({ raw }, reply, _payload, done) => {
    if (waiting.has(raw)) reply.header("connection", "close");
    done();
  });
  app.addHook("onResponse", ({ raw }, _reply, done) => {
    if (raw.complete === false) {
      const timer = setTimeout(() => raw.socket.destroy(), lingerMs).unref();
      raw.once("close", () => clearTimeout(timer));
      raw.resume();
    }
    done();
  });
}

/** Headers that say who is asked, and by whom. */
const onlyOnce = ["Host", "Authorization"];

function countOf({ rawHeaders }: IncomingMessage, header: string): number {
  const wanted = header.toLowerCase();
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === wanted).length;
}

/** Tells a caller that waits for it to send its body. */
export function askForBody(request: IncomingMessage, response: ServerResponse): void {
  if (waiting.delete(request)) response.writeContinue();
}
