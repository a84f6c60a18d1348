import type { FastifyReply } from "fastify";
import { anyError, errorSchemas, jsonAnswer } from "../api/schemas.ts";
import type { FileRoutes } from "../context.ts";
import { checkText, dispositionOf, nameInPath } from "../files/names.ts";
import { callStore } from "../files/store-call.ts";
import { HttpError } from "../http/http-error.ts";

/** How long a download's URL is good for, in seconds (R2.5). */
const expiresSeconds = 120;

const maxPage = 1000;

const listQuery = {
  type: "object",
  additionalProperties: false,
  properties: {
    limit: {
      type: "integer",
      minimum: 1,
      maximum: maxPage,
      default: maxPage,
      description: "How many at most",
    },
    after: { type: "string", description: "Only names behind this one, in the order of their UTF-8 bytes" },
    prefix: { type: "string", description: "Only names that start so" },
  },
} as const;

/** The parameters of a route whose path ends with a file's name. */
export const nameParams = {
  type: "object",
  properties: {
    "*": {
      type: "string",
      description: "The file's name; may have slashes",
      examples: ["appstore_games.csv"],
    },
  },
  required: ["*"],
} as const;

/** `GET /list_files` and `GET /download/<file>`, for everybody. */
export const fileRoutes: FileRoutes = async (app, context) => {
  const { store, settings } = context;

  app.get("/list_files", {
    schema: {
      operationId: "listFiles",
      summary: "Lists files, a page at a time",
      tags: ["files"],
      querystring: listQuery,
      response: {
        200: jsonAnswer("The names of the files", "FileList"),
        ...errorSchemas(400, 429, 502, 503, 504),
        default: anyError,
      },
    },
    handler: async (request, reply) => {
      const { limit, after, prefix } = request.query;
      if (after) checkText("file name", after);
      if (prefix) checkText("prefix", prefix);
      const { files, more } = await callStore(context, reply, settings.STORE_SECONDS, (signal) =>
        store.list({ limit, ...(after && { after }), ...(prefix && { prefix }), signal }),
      );
      const content = files.map(({ name }) => name);
      const last = content.at(-1);
      return noStore(reply).send({
        status: 200,
        message: `Successfully listed files on s3 bucket '${store.bucket}'`,
        content,
        ...(more && last !== undefined && { next: nextPage({ limit, prefix, after: last }) }),
      });
    },
  });

  app.get("/download/*", {
    schema: {
      operationId: "createDownloadUrl",
      summary: "Makes a URL from which anybody can download a file for two minutes",
      tags: ["files"],
      params: nameParams,
      response: {
        200: jsonAnswer("The URL", "DownloadUrl"),
        ...errorSchemas(400, 404, 429, 502, 503, 504),
        default: anyError,
      },
    },
    handler: async (request, reply) => {
      const name = nameInPath(request, request.params["*"]);
      const url = await callStore(context, reply, settings.STORE_SECONDS, async (signal) => {
        if (!(await store.stat(name, signal))) throw notFound(name, store.bucket);
        return store.presign(name, { expiresSeconds, contentDisposition: dispositionOf(name), signal });
      });
      return noStore(reply).send({
        status: 200,
        message: `Successfully generated presigned url for '${name}'`,
        content: url,
      });
    },
  });
};

/** The answer when the bucket has no such file (R2.5). */
export function notFound(name: string, bucket: string): HttpError {
  return new HttpError(404, `The file '${name}' was not found on the bucket '${bucket}'`);
}

function nextPage(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).flatMap(([key, value]) =>
    value === undefined || value === "" ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return `/list_files?${given.join("&")}`;
}

function noStore(reply: FastifyReply): FastifyReply {
  return reply.header("cache-control", "no-store");
}
