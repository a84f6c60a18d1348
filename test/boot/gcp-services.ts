import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type Access, type Grant, isAllowed } from "../providers/gcp/grants.ts";
import { startGcs } from "../servers/gcs.ts";
import type { Running } from "../servers/process.ts";
import { createTokens, refuse, serveMetadata, signBlob } from "../storage/google.ts";
import { passOn } from "../storage/proxy.ts";
import { network } from "./machine.ts";
import { serve } from "./services.ts";

/** What of Google a machine meets. */
export interface GcpServices {
  readonly instanceId: string;
  /** What the machine's account may do with the bucket. */
  readonly grants: readonly Grant[];
  /** The bucket's objects, by key: files out here. */
  readonly objects: Readonly<Record<string, string>>;
  /** PEM, for the names of Cloud Storage and IAM. */
  readonly tls: { readonly key: string; readonly cert: string };
}

/** The address of the metadata server of each machine of Google's. */
const metadataAddress = "169.254.169.254";

interface Asked {
  readonly access: readonly Access[];
  /** Where fake-gcs-server has it. */
  readonly url: string;
}

/** What a request needs (https://cloud.google.com/storage/docs/access-control/iam-json), and where it is passed on. */
function askedBy({ method = "", url: whole = "" }: IncomingMessage, exists: (key: string) => boolean): Asked {
  const url = new URL(whole, "http://storage");
  const { pathname, searchParams } = url;
  const [, encoded] = /^(?:\/download)?\/storage\/v1\/b\/[^/]+\/o\/(.+)$/.exec(pathname) ?? [];
  const objectOf = (text: string) => decodeURIComponent(text);
  if (encoded !== undefined) {
    const permission = method === "DELETE" ? "storage.objects.delete" : "storage.objects.get";
    return { access: [{ permission, object: objectOf(encoded) }], url: whole };
  }
  if (pathname.startsWith("/upload/")) {
    // What goes on of an upload was allowed when it began.
    if (searchParams.has("upload_id")) return { access: [], url: whole };
    const object = searchParams.get("name") ?? "";
    const create = { permission: "storage.objects.create", object };
    const overwrite = { permission: "storage.objects.delete", object };
    return { access: exists(object) ? [create, overwrite] : [create], url: whole };
  }
  if (/^\/storage\/v1\/b\/[^/]+\/o$/.test(pathname)) {
    const prefix = searchParams.get("prefix") ?? "";
    return { access: [{ permission: "storage.objects.list", prefix }], url: whole };
  }
  // A signed URL: fake-gcs-server knows these by its own name alone.
  const [, bucket = "", key = ""] = /^\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
  const object = objectOf(key);
  const download = `/download/storage/v1/b/${bucket}/o/${encodeURIComponent(object)}?alt=media`;
  return { access: [{ permission: "storage.objects.get", object }], url: download };
}

if (import.meta.main) {
  await serve<GcpServices>(async ({ instanceId, grants, objects, tls }, report) => {
    const gcs = await startGcs();
    const stored = new Set<string>();
    const put = async (key: string, bytes: Buffer) => {
      const url = `${gcs.endpoint}/upload/storage/v1/b/${gcs.bucket}/o?uploadType=media&name=${encodeURIComponent(key)}`;
      const answer = await fetch(url, { method: "POST", body: new Uint8Array(bytes) });
      if (!answer.ok) throw new Error(`fake-gcs-server does not store ${key}: ${answer.status}`);
      stored.add(key);
    };
    for (const [key, file] of Object.entries(objects)) await put(key, await readFile(file));
    await put("files/a.csv", Buffer.from("a,b\n1,2\n"));

    const tokens = createTokens(() => 3600);
    const metadata = serveMetadata(tokens.give, instanceId);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const storage = (request: IncomingMessage, response: ServerResponse) => {
      const { access, url } = askedBy(request, (key) => stored.has(key));
      response.once("finish", () => {
        const { method } = request;
        report({ service: "storage", method, path: request.url, access, status: response.statusCode });
      });
      const isSigned = new URL(request.url ?? "", "http://storage").searchParams.has("X-Goog-Signature");
      if (access.length > 0 && !isSigned && !tokens.scopesOf(request)) return refuse(response, 401);
      if (!access.every((one) => isAllowed(grants, gcs.bucket, one))) return refuse(response, 403);
      for (const { permission, object } of access)
        if (permission === "storage.objects.create" && object !== undefined) stored.add(object);
      request.url = url;
      passOn(gcs.endpoint, request, response, (headers) =>
        headers.map((header) => header.replace(/^http:(?=\/\/storage\.googleapis\.com\/)/, "https:")),
      );
    };
    const iam = (request: IncomingMessage, response: ServerResponse) => {
      const scopes = tokens.scopesOf(request);
      if (scopes) void signBlob(privateKey, request, response, scopes);
      else refuse(response, 401);
    };
    const byName: Readonly<Record<string, RequestListener>> = {
      "storage.googleapis.com": storage,
      "iamcredentials.googleapis.com": iam,
    };
    const google = createTlsServer(tls, (request, response) => {
      const answer = byName[request.headers.host ?? ""];
      if (answer) answer(request, response);
      else refuse(response, 404);
    });
    const metadataServer = createServer((request, response) => {
      report({ service: "metadata", request: `${request.method} ${request.url}` });
      metadata(request, response);
    });
    await once(google.listen(443, network.cloud), "listening");
    await once(metadataServer.listen(80, metadataAddress), "listening");
    const close = (server: typeof google | typeof metadataServer): Running => ({
      stop: async () => {
        server.closeAllConnections();
        await once(server.close(), "close");
      },
    });
    return [gcs, close(google), close(metadataServer)];
  });
}
