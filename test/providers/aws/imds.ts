import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Temporary credentials, by the names that the instance metadata service gives their parts. */
export interface RoleCredentials {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly Token: string;
  /** ISO 8601. */
  readonly Expiration: string;
}

export interface ImdsOptions {
  readonly instanceId: string;
  readonly role: string;
  /** Called for each question after the role's credentials. */
  readonly credentials: () => RoleCredentials;
  /** Called with the method and path of each request. */
  readonly report?: (request: string) => void;
  /** Default: 127.0.0.1, any free port. */
  readonly listen?: { readonly host: string; readonly port: number };
}

/** The instance metadata service of EC2, version 2 only. */
export interface Imds {
  readonly url: string;
  /** Method and path of each request so far. */
  readonly requests: string[];
  /** Tokens that were given out so far. */
  readonly tokens: string[];
  /** How many seconds the next tokens live, one each, in place of what was asked for. */
  readonly tokenSeconds: number[];
  /** Answers the next requests for a path, one each, in place of the usual answer. */
  intercept(path: string, ...answers: ((response: ServerResponse) => void)[]): void;
  close(): Promise<void>;
}

const base = "/latest/meta-data";

/**
 * Serves what an instance with `HttpTokens: required` sees: a PUT gives a session token for as many seconds as it asks
 * for (1 to 21,600), and everything else answers 401 without a token that is still good.
 */
export async function startImds({
  instanceId,
  role,
  credentials,
  report,
  listen,
}: ImdsOptions): Promise<Imds> {
  const requests: string[] = [];
  const tokenSeconds: number[] = [];
  const expiries = new Map<string, number>();
  const tokens: string[] = [];
  const intercepted = new Map<string, ((response: ServerResponse) => void)[]>();
  const answers: Readonly<Record<string, () => string>> = {
    [`${base}/instance-id`]: () => instanceId,
    [`${base}/iam/security-credentials/`]: () => role,
    [`${base}/iam/security-credentials/${role}`]: () =>
      JSON.stringify({ Code: "Success", Type: "AWS-HMAC", ...credentials() }, undefined, 2).replaceAll(
        '": "',
        '" : "', // as EC2 spaces it
      ),
  };

  function giveToken(request: IncomingMessage, response: ServerResponse): void {
    const seconds = Number(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]);
    if (!(seconds >= 1 && seconds <= 21_600)) return void response.writeHead(400).end();
    const token = randomBytes(42).toString("base64");
    expiries.set(token, Date.now() + (tokenSeconds.shift() ?? seconds) * 1000);
    tokens.push(token);
    response.end(token);
  }

  const server = createServer((request, response) => {
    const { method, url = "" } = request;
    requests.push(`${method} ${url}`);
    report?.(`${method} ${url}`);
    const answer = intercepted.get(url)?.shift();
    if (answer) return answer(response);
    if (method === "PUT" && url === "/latest/api/token") return giveToken(request, response);
    const expiry = expiries.get(String(request.headers["x-aws-ec2-metadata-token"])) ?? 0;
    if (Date.now() >= expiry) return void response.writeHead(401).end();
    const text = answers[url];
    if (text === undefined) response.writeHead(404).end();
    else response.end(text());
  }).listen(listen ?? { host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}`,
    requests,
    tokens,
    tokenSeconds,
    intercept: (path, ...answers) => void intercepted.set(path, answers),
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
