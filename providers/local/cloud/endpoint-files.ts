import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Buckets } from "./buckets.ts";
import { isCut } from "./calls.ts";
import { isDiskFull } from "./disk.ts";
import { type FileContent, FileNameError } from "./files.ts";

export interface FilesContext {
  readonly buckets: Buckets;
  readonly signingKey: string;
  /** Told of what failed, for a log. */
  readonly onError: (error: Error) => void;
}

type Params = Readonly<Record<string, string | undefined>>;

/** Most files on a page. */
const maxPage = 1000;
/** How long a signed URL may be good for, in seconds: a week, as on S3 and Google Cloud Storage. */
const maxExpires = 604_800;

interface ListQuery {
  readonly prefix?: string;
  readonly after?: string;
  readonly limit?: string;
}

interface PresignBody {
  readonly name: string;
  readonly expiresSeconds: number;
  readonly contentDisposition: string;
}

/** @throws RequestError for anything else */
function presignBody(body: unknown): PresignBody {
  const { name, expiresSeconds, contentDisposition } = (body ?? {}) as Partial<PresignBody>;
  if (
    typeof name === "string" &&
    typeof expiresSeconds === "number" &&
    typeof contentDisposition === "string"
  )
    return { name, expiresSeconds, contentDisposition };
  throw new RequestError(
    400,
    "the body must have a name, expiresSeconds (a number) and a contentDisposition",
  );
}

/** A request that cannot be done, in words for whoever made it. */
class RequestError extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/**
 * Adds the files of the caller's bucket: `GET <prefix>/files`, and `PUT`, `HEAD`, `DELETE` of `<prefix>/files/<name>`,
 * and `POST <prefix>/presigned`.
 *
 * @param bucketOf the bucket that a caller has, by the parameters in the prefix; undefined for a stranger
 */
export function addFiles(
  parent: FastifyInstance,
  prefix: string,
  { buckets, signingKey, onError }: FilesContext,
  bucketOf: (params: Params) => string | undefined,
): void {
  const bucketFor = (params: unknown) => {
    const bucket = bucketOf(params as Params);
    if (bucket === undefined) throw new RequestError(403, "there is no such identity, or it has no bucket");
    return bucket;
  };
  const addressed = (params: unknown) => {
    const { "*": name = "" } = params as Params;
    return { files: buckets.files(bucketFor(params)), name };
  };
  parent.register(
    async (app) => {
      addErrors(app, onError);
      app.get<{ Querystring: ListQuery }>("/files", ({ params, query }) => {
        const limit = Number(query.limit ?? maxPage);
        if (!(Number.isInteger(limit) && limit >= 1 && limit <= maxPage)) {
          throw new RequestError(
            400,
            `limit is ${query.limit}; it must be a whole number from 1 to ${maxPage}`,
          );
        }
        return buckets.files(bucketFor(params)).list(query.prefix ?? "", query.after ?? "", limit);
      });
      app.head("/files/*", async ({ params }, reply) => {
        const { files, name } = addressed(params);
        const file = await files.get(name);
        if (!file) throw new RequestError(404, "there is no such file");
        await file.close();
        return describe(reply, file).header("content-length", file.size).send();
      });
      app.delete("/files/*", async ({ params }, reply) => {
        const { files, name } = addressed(params);
        if (!(await files.remove(name))) throw new RequestError(404, "there is no such file");
        return reply.code(204).send();
      });
      app.post("/presigned", ({ params, body: given, host }) => {
        const bucket = bucketFor(params);
        const body = presignBody(given);
        const { name, contentDisposition } = body;
        if (!(body.expiresSeconds >= 0 && body.expiresSeconds <= maxExpires)) {
          throw new RequestError(
            400,
            `a URL expires within ${maxExpires} seconds, not ${body.expiresSeconds}`,
          );
        }
        const expires = String(Math.floor(Date.now() / 1000) + body.expiresSeconds);
        const signature = sign(signingKey, [bucket, name, expires, contentDisposition]);
        const query = new URLSearchParams({ expires, disposition: contentDisposition, signature });
        return { url: `http://${host}/buckets/${bucket}/files/${encodeURIComponent(name)}?${query}` };
      });
      app.register(async (uploads) => {
        uploads.removeAllContentTypeParsers();
        uploads.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
        uploads.put<{ Body: Readable }>(
          "/files/*",
          { bodyLimit: Number.MAX_SAFE_INTEGER },
          ({ params, headers, body, raw }) => {
            const { files, name } = addressed(params);
            return files.put(name, headers["content-type"] ?? "application/octet-stream", body ?? raw);
          },
        );
      });
    },
    { prefix },
  );
}

interface DownloadQuery {
  readonly expires?: string;
  readonly disposition?: string;
  readonly signature?: string;
}

/** Adds `GET /buckets/<bucket>/files/<name>` for whoever has a URL that was signed for it, until it expires. */
export function addDownloads(parent: FastifyInstance, { buckets, signingKey, onError }: FilesContext): void {
  parent.register(async (app) => {
    addErrors(app, onError);
    app.route<{ Params: { bucket: string; "*": string }; Querystring: DownloadQuery }>({
      // A HEAD route that Fastify adds to a GET's says that the file is empty.
      method: ["GET", "HEAD"],
      url: "/buckets/:bucket/files/*",
      handler: async ({ params, query, headers, method }, reply) => {
        const { bucket, "*": name } = params;
        const { expires = "", disposition = "", signature = "" } = query;
        if (!sameText(signature, sign(signingKey, [bucket, name, expires, disposition])))
          throw new RequestError(403, "the URL's signature is wrong");
        if (Date.now() >= Number(expires) * 1000) throw new RequestError(403, "the URL has expired");
        const file = await buckets.files(bucket).get(name);
        if (!file) throw new RequestError(404, "there is no such file");
        const etag = etagOf(file);
        describe(reply, file)
          .header("content-disposition", disposition)
          .header("accept-ranges", "bytes")
          .header("etag", etag);
        const refused = conditionOf(headers, etag, file.modified);
        if (refused !== undefined) {
          await file.close();
          return reply.code(refused).send();
        }
        const ifRange = headers["if-range"];
        const isSame = ifRange === undefined || ifRange === etag;
        const range = isSame ? rangeOf(headers.range, file.size) : undefined;
        if (range === "none" || method === "HEAD" || file.size === 0) {
          await file.close();
          if (range === "none") return reply.code(416).header("content-range", `bytes */${file.size}`).send();
          return reply.header("content-length", file.size).send(method === "HEAD" ? undefined : "");
        }
        const { start, end } = range ?? { start: 0, end: file.size - 1 };
        if (range) reply.code(206).header("content-range", `bytes ${start}-${end}/${file.size}`);
        return reply.header("content-length", end - start + 1).send(file.read(start, end));
      },
    });
  });
}

function addErrors(app: FastifyInstance, onError: (error: Error) => void): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error instanceof FileNameError ? 400 : isDiskFull(error) ? 507 : (error.statusCode ?? 500);
    if (status !== 500) return reply.code(status).type("text/plain").send(`${error.message}\n`);
    // What failed is for the log alone: it may name paths of this machine.
    if (!isCut(error)) onError(error);
    return reply.code(500).type("text/plain").send("the local cloud failed; its log says why\n");
  });
}

function describe(reply: FastifyReply, { contentType, modified }: FileContent): FastifyReply {
  return reply.header("content-type", contentType).header("last-modified", modified.toUTCString());
}

/** Another one after any change: what is stored again has another time. */
function etagOf({ modified, size }: FileContent): string {
  return `"${modified.getTime().toString(36)}-${size.toString(36)}"`;
}

/** The status that a request's conditions make of a download (RFC 9110, section 13); undefined: it is sent. */
function conditionOf(headers: IncomingHttpHeaders, etag: string, modified: Date): 304 | 412 | undefined {
  const names = (list: string) => list === "*" || list.split(",").some((tag) => tag.trim() === etag);
  const { "if-match": match, "if-none-match": noneMatch, "if-modified-since": since = "" } = headers;
  if (match !== undefined && !names(match)) return 412;
  if (noneMatch !== undefined) return names(noneMatch.replaceAll("W/", "")) ? 304 : undefined;
  // The header has whole seconds.
  return Math.floor(modified.getTime() / 1000) * 1000 <= Date.parse(since) ? 304 : undefined;
}

/** The one range that a `Range` header asks for (RFC 9110, section 14); undefined where the whole is to be sent. */
function rangeOf(header: string | undefined, size: number) {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start <= end ? { start, end } : "none";
}

function sign(key: string, parts: readonly string[]): string {
  return createHmac("sha256", Buffer.from(key, "hex")).update(JSON.stringify(parts)).digest("hex");
}

/** The secret part of the URL by which whoever may read the control plane's state reaches a bucket's files. */
export function operatorToken(key: string, bucket: string): string {
  return sign(key, ["operator", bucket]);
}

/** Compares texts in a time that does not tell where they differ. */
export function sameText(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}
