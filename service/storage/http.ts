import * as http from "node:http";
import * as https from "node:https";
import { pipeline } from "node:stream/promises";
import { isPassing, retrying } from "./retry.ts";

export interface HttpCall {
  readonly method: string;
  /** Sent as it is: no `..` in a file's name is taken for a step in a path. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** A stream is sent as it comes, and once; everything else may be sent again. */
  readonly body?: string | Buffer | AsyncIterable<Buffer>;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpClient {
  /** @throws what the connection failed with; every status is an answer */
  call(call: HttpCall): Promise<HttpAnswer>;
  close(): void;
}

/** Largest answer that is taken, in bytes; a listing of 1,001 names of 1,024 bytes, as JSON, has less. */
const maxAnswer = 32 * 1024 * 1024;

/**
 * A client for the stores that have no SDK. What was not answered, or by a status that may pass, is asked
 * for again, unless its body is a stream. A connection that stands still for
 * `idleMs` fails, unless it is the stream that has nothing to send.
 */
export function createHttpClient(idleMs: number): HttpClient {
  const agents = {
    "http:": new http.Agent({ keepAlive: true }),
    "https:": new https.Agent({ keepAlive: true }),
  };
  const once = (call: HttpCall) => send(call, agents, idleMs);
  return {
    call: (call) =>
      isStream(call.body)
        ? once(call)
        : retrying(
            call.signal,
            (end) => "error" in end || isPassing(end.value.status),
            () => once(call),
          ),
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function isStream(body: HttpCall["body"]): body is AsyncIterable<Buffer> {
  return body !== undefined && typeof body !== "string" && !Buffer.isBuffer(body);
}

type Agents = Readonly<Record<"http:" | "https:", http.Agent>>;

function send({ method, url, headers, body, signal }: HttpCall, agents: Agents, idleMs: number) {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const [, origin = "", path = "/"] = /^(https?:\/\/[^/?]+)(.*)$/.exec(url) ?? [];
  const protocol = origin.startsWith("https:") ? "https:" : "http:";
  const streamed = isStream(body);
  const request = (protocol === "https:" ? https : http).request(origin, {
    method,
    path,
    headers,
    signal,
    // A kept connection may end as it is used, and a stream cannot be sent again.
    agent: streamed ? false : agents[protocol],
    timeout: idleMs,
  });
  request.on("timeout", () => {
    const waitsForStream = streamed && !request.writableEnded && !request.writableNeedDrain;
    if (waitsForStream) request.socket?.setTimeout(idleMs);
    else request.destroy(Object.assign(new Error(`nothing for ${idleMs} ms`), { code: "ETIMEDOUT" }));
  });
  request.on("error", reject);
  request.on("response", (response) => {
    collect(response)
      .then((content) =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content }),
      )
      .catch(reject)
      .finally(() => {
        if (!request.writableFinished) request.destroy();
      });
  });
  if (streamed) pipeline(body, request).catch(reject);
  else request.end(body);
  return promise;
}

async function collect(response: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > maxAnswer) throw new Error(`the answer has more than ${maxAnswer} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
