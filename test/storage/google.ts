import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { startGcs } from "../servers/gcs.ts";
import { type Running, serverFolder } from "../servers/process.ts";
import { passOn } from "./proxy.ts";
import { startTlsProxy } from "./tls-proxy.ts";

/** What a machine with a service account reaches, by the names in its URLs. */
export type GoogleHost = "metadata" | "iamcredentials.googleapis.com" | "storage.googleapis.com";

export interface Google extends Running {
  /** What makes a process of Node.js such a machine's: it has no key and knows of no other endpoint. */
  readonly environment: Readonly<Record<string, string>>;
  readonly bucket: string;
  /** Where the bucket is without TLS and without tokens. */
  readonly endpoint: string;
  /** The machine's service account. */
  readonly email: string;
  /** The public half of the key that IAM has for it. */
  readonly publicKey: KeyObject;
  /** The access tokens that were given out so far. */
  readonly tokens: string[];
  /** How long the next tokens live, in seconds. */
  tokenSeconds: number;
  /** The requests so far: method, host and path. */
  readonly requests: string[];
  /** How many requests wait for an answer that never comes. */
  hanging: number;
  /** What becomes of the next requests to a host: they are answered in order, never, or by a status. */
  fate: (host: GoogleHost) => "pass" | "hang" | number;
}

/** The machines' service account. */
export const email = "files@test.iam.gserviceaccount.com";

/**
 * Starts what of Google a machine of Compute Engine meets: a metadata server; and IAM Credentials and Cloud Storage at
 * their own names, over TLS. Cloud Storage is fake-gcs-server behind a check of tokens.
 */
export async function startGoogle(): Promise<Google> {
  const { folder, undo, stop } = await serverFolder("google");
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const tokens = createTokens(() => google.tokenSeconds);
  const serve =
    (host: GoogleHost, answer: RequestListener): RequestListener =>
    (request, response) => {
      google.requests.push(`${request.method} ${host}${request.url?.replace(/\?.*/, "")}`);
      const fate = google.fate(host);
      if (fate === "pass") return answer(request, response);
      if (fate !== "hang") return refuse(response, fate);
      google.hanging += 1;
      response.once("close", () => {
        google.hanging -= 1;
      });
    };
  const withToken = (host: GoogleHost, answer: (...call: [...Call, scopes: readonly string[]]) => void) => ({
    [host]: serve(host, (request, response) => {
      const scopes = tokens.scopesOf(request);
      if (scopes) answer(request, response, scopes);
      else refuse(response, 401);
    }),
  });
  const proxy = await startTlsProxy({
    ...withToken("iamcredentials.googleapis.com", (...call) => void signBlob(privateKey, ...call)),
    ...withToken("storage.googleapis.com", (...[request, response]) =>
      passToStorage(storage.endpoint, request, response),
    ),
  });
  undo.push(proxy.stop);
  const storage = await startGcs();
  undo.push(storage.stop);
  const metadata = createServer(serve("metadata", serveMetadata(tokens.give)));
  await once(metadata.listen(0, "127.0.0.1"), "listening");
  undo.push(async () => {
    metadata.closeAllConnections();
    await once(metadata.close(), "close");
  });
  const google: Google = {
    environment: {
      ...proxy.environment,
      GCE_METADATA_HOST: `127.0.0.1:${(metadata.address() as AddressInfo).port}`,
      METADATA_SERVER_DETECTION: "assume-present",
      // Where the SDK looks for a key.
      HOME: folder,
    },
    bucket: storage.bucket,
    endpoint: storage.endpoint,
    email,
    publicKey,
    tokens: tokens.given,
    tokenSeconds: 3600,
    requests: [],
    hanging: 0,
    fate: () => "pass",
    stop,
  };
  return google;
}

/** Access tokens as the metadata server gives them, and what tells which are still good. */
export function createTokens(seconds: () => number) {
  const grants = new Map<string, { readonly expires: number; readonly scopes: readonly string[] }>();
  const given: string[] = [];
  return {
    given,
    give: (scopes: readonly string[]) => {
      const token = `ya29.${randomBytes(24).toString("base64url")}`;
      grants.set(`Bearer ${token}`, { expires: Date.now() + seconds() * 1000, scopes });
      given.push(token);
      return { access_token: token, expires_in: seconds(), token_type: "Bearer" };
    },
    /** What a request's token is for; undefined without one that is still good. */
    scopesOf: ({ headers }: IncomingMessage) => {
      const grant = grants.get(`${headers.authorization}`);
      return grant && Date.now() < grant.expires ? grant.scopes : undefined;
    },
  };
}

type Call = [request: IncomingMessage, response: ServerResponse];

/** The id of the machine that the metadata is of: a number of 64 bits. */
export const machineId = "8124791253456789012";

/** As "About VM metadata" in Compute Engine's documentation has it. */
export function serveMetadata(
  giveToken: (scopes: readonly string[]) => object,
  id = machineId,
): RequestListener {
  return (request, response) => {
    if (request.headers["metadata-flavor"] !== "Google") return refuse(response, 403);
    const { pathname, searchParams } = new URL(request.url ?? "", "http://metadata");
    const answers: Readonly<Record<string, () => string>> = {
      "project/project-id": () => "test",
      // What is there; clients look for the server so.
      instance: () => "id\nservice-accounts/\n",
      "instance/id": () => id,
      "instance/service-accounts/default/email": () => email,
      "instance/service-accounts/default/token": () =>
        JSON.stringify(giveToken(searchParams.get("scopes")?.split(",") ?? [])),
    };
    const answer = answers[pathname.replace("/computeMetadata/v1/", "")];
    if (answer) response.writeHead(200, { "metadata-flavor": "Google" }).end(answer());
    else refuse(response, 404);
  };
}

/** Of these a token needs one to sign (IAM Credentials API, `projects.serviceAccounts.signBlob`). */
const signingScopes = ["iam", "cloud-platform"].map((name) => `https://www.googleapis.com/auth/${name}`);

/** Signs as IAM does for an account that may sign for itself. */
export async function signBlob(
  key: KeyObject,
  request: IncomingMessage,
  response: ServerResponse,
  scopes: readonly string[],
): Promise<void> {
  const call = `${request.method} ${request.url}`;
  if (call !== `POST /v1/projects/-/serviceAccounts/${email}:signBlob`) return refuse(response, 404);
  if (!signingScopes.some((scope) => scopes.includes(scope))) return refuse(response, 403);
  const { payload } = (await json(request)) as { payload: string };
  const signedBlob = sign("sha256", Buffer.from(payload, "base64"), key).toString("base64");
  const headers = { "content-type": "application/json" };
  response.writeHead(200, headers).end(JSON.stringify({ keyId: "1", signedBlob }));
}

function passToStorage(endpoint: string, request: IncomingMessage, response: ServerResponse): void {
  // Where an upload goes on; fake-gcs-server does not know that its clients use TLS.
  passOn(endpoint, request, response, (headers) =>
    headers.map((header) => header.replace(/^http:(?=\/\/storage\.googleapis\.com\/)/, "https:")),
  );
}

/** Answers an error as Google's APIs do (AIP-193), in words that are for the log alone. */
export function refuse(response: ServerResponse, code: number): void {
  const error = { code, message: `Permission denied on resource ${email}` };
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify({ error }));
}
