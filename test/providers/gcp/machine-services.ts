import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type GcsServer, startGcs } from "../../servers/gcs.ts";
import { createTokens, refuse, serveMetadata } from "../../storage/google.ts";
import { passOn } from "../../storage/proxy.ts";

type Answer = (response: ServerResponse) => void;

/** What a machine of Compute Engine asks when it starts: a metadata server, and Cloud Storage. */
export interface MachineServices {
  readonly metadataUrl: string;
  readonly storageUrl: string;
  readonly bucket: string;
  /** Access tokens that were given out so far. */
  readonly tokens: string[];
  /** How long the next tokens live, in seconds, one each; then an hour. */
  readonly tokenSeconds: number[];
  /** Requests for objects so far: path and query, and the answer's status. */
  readonly requests: { readonly path: string; readonly status: () => number }[];
  /** Answers the next requests whose path ends so, one each, in place of the usual answer. */
  intercept(path: string, ...answers: Answer[]): void;
  put(key: string, bytes: Buffer): Promise<void>;
  stop(): Promise<void>;
}

/** What the machines' account may read. */
const readable = /^(releases|runtimes)\//;

async function listen(listener: RequestListener, undo: (() => Promise<void>)[]): Promise<string> {
  const server = createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  undo.push(async () => {
    server.closeAllConnections();
    await once(server.close(), "close");
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts both; Cloud Storage is fake-gcs-server behind a check of tokens, and of what the machines' account may read. */
export async function startMachineServices(): Promise<MachineServices> {
  const undo: (() => Promise<void>)[] = [];
  const gcs: GcsServer = await startGcs();
  undo.push(gcs.stop);
  const tokenSeconds: number[] = [];
  const tokens = createTokens(() => tokenSeconds.shift() ?? 3600);
  const intercepted = new Map<string, Answer[]>();
  const requests: MachineServices["requests"] = [];

  const around =
    (listener: RequestListener): RequestListener =>
    (request, response) => {
      const [path = ""] = (request.url ?? "").split("?");
      const [, answers] = [...intercepted].find(([end]) => path.endsWith(end)) ?? [];
      const answer = answers?.shift();
      if (answer) answer(response);
      else listener(request, response);
    };
  const storage = (request: IncomingMessage, response: ServerResponse) => {
    requests.push({ path: request.url ?? "", status: () => response.statusCode });
    const [, encoded = ""] = /\/o\/([^?]+)/.exec(request.url ?? "") ?? [];
    if (!tokens.scopesOf(request)) refuse(response, 401);
    else if (!readable.test(decodeURIComponent(encoded))) refuse(response, 403);
    else passOn(gcs.endpoint, request, response);
  };

  return {
    metadataUrl: await listen(around(serveMetadata(tokens.give)), undo),
    storageUrl: await listen(around(storage), undo),
    bucket: gcs.bucket,
    tokens: tokens.given,
    tokenSeconds,
    requests,
    intercept: (path, ...answers) => void intercepted.set(path, answers),
    async put(key, bytes) {
      const url = `${gcs.endpoint}/upload/storage/v1/b/${gcs.bucket}/o?uploadType=media&name=${encodeURIComponent(key)}`;
      const stored = await fetch(url, { method: "POST", body: new Uint8Array(bytes) });
      if (!stored.ok) throw new Error(`fake-gcs-server does not store ${key}: ${stored.status}`);
    },
    async stop() {
      for (const end of undo.reverse()) await end();
    },
  };
}
