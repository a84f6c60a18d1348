import * as http from "node:http";
import * as https from "node:https";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

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
const attempts = 3;
/** The longest pause before the second attempt, in milliseconds; it doubles with each. */
const backOffMs = 200;

/**
 * A client for the stores that have no SDK. What was not answered, or by 429, 498 or a 5xx other than 501 and 507, is
 * asked for again, twice at most, after random pauses, unless its body is a stream. A connection that stands still for
 * `idleMs` fails, unless it is the stream that has nothing to send.
 */
export function createHttpClient(idleMs: number): HttpClient {
  const agents = {
    "http:": new http.Agent({ keepAlive: true }),
    "https:": new https.Agent({ keepAlive: true }),
  };
  const once = (call: HttpCall) => send(call, agents, idleMs);
  return {
    call: async (call) => {
      if (isStream(call.body)) return once(call);
      for (let attempt = 1; ; attempt += 1) {
        const last = attempt === attempts;
        try {
          const answer = await once(call);
          if (last || !isPassing(answer.status)) return answer;
        } catch (error) {
          if (last || call.signal.aborted) throw error;
        }
        await sleep(Math.random() * backOffMs * 2 ** (attempt - 1), undefined, { signal: call.signal });
      }
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function isStream(body: HttpCall["body"]): body is AsyncIterable<Buffer> {
  return body !== undefined && typeof body !== "string" && !Buffer.isBuffer(body);
}

function isPassing(status: number): boolean {
  return status === 429 || status === 498 || (status >= 500 && status !== 501 && status !== 507);
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
