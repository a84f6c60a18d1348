import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { anyError, errorSchemas, jsonAnswer } from "../api/schemas.ts";
import type { FileContext, FileRoutes } from "../context.ts";
import { watchingClient } from "../files/client-rate.ts";
import { readForm } from "../files/form.ts";
import { checkName, nameInPath } from "../files/names.ts";
import { callStore } from "../files/store-call.ts";
import { limitFile, tooLarge } from "../files/stream.ts";
import { uploadBytes } from "../files/uploads.ts";
import { authorize } from "../http/authorize.ts";
import { askForBody } from "../http/connections.ts";
import { HttpError } from "../http/http-error.ts";
import { nameParams, notFound } from "./files.ts";

/** The form field that clients of the lab use; others are taken as well. */
const fileField = "file";

/** What a file is that its client does not say. */
const unknownType = "application/octet-stream";

const writeErrors = errorSchemas(400, 401, 403, 408, 409, 411, 413, 415, 429, 502, 503, 504, 507);

const common = { tags: ["files"], security: [{ adminToken: [] }] };

/** Bodies are streams, which their schemas only describe. */
const validatorCompiler = () => () => true;

/** `POST /upload`, `PUT /files/<name>` and `DELETE /files/<name>`, for the administrator. */
export const uploadRoutes: FileRoutes = async (app, context) => {
  // Behind onRequest, in which requests are counted: wrong tokens count as well.
  app.addHook("preParsing", authorize(context.settings));
  await app.register(formRoutes, context);
  await app.register(nameRoutes, context);
};

const formRoutes: FileRoutes = async (app, context) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("multipart/form-data", (_request, _payload, done) => done(null));
  app.addContentTypeParser("*", ({ headers }, _payload, done) =>
    done(new HttpError(415, `POST /upload takes multipart/form-data, not ${headers["content-type"]}`)),
  );

  app.post("/upload", {
    validatorCompiler,
    schema: {
      ...common,
      operationId: "uploadForm",
      summary: "Stores the files of a form",
      description: "One after another: when a file fails, those before it are stored.",
      consumes: ["multipart/form-data"],
      body: {
        type: "object",
        properties: { [fileField]: { type: "string", format: "binary" } },
        required: [fileField],
      },
      response: {
        200: jsonAnswer("Stored"),
        ...writeErrors,
        404: jsonAnswer("There is no file in the form", "Error"),
        default: anyError,
      },
    },
    handler: (request, reply) =>
      receive(context, request, undefined, async (upload) => {
        const names = await storeForm(upload, request, reply);
        return uploaded(names, context.store.bucket);
      }),
  });
};

const nameRoutes: FileRoutes = async (app, context) => {
  const { store, settings } = context;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));

  app.put("/files/*", {
    validatorCompiler,
    schema: {
      ...common,
      operationId: "storeFile",
      summary: "Stores a file, in place of an earlier one of its name",
      params: nameParams,
      consumes: [unknownType],
      body: { type: "string", format: "binary" },
      response: { 200: jsonAnswer("Stored"), ...writeErrors, default: anyError },
    },
    handler: (request, reply) => {
      const size = sizeOf(request.raw, settings.MAX_FILE_BYTES);
      return receive(context, request, size, async (upload) => {
        const name = nameInPath(request, request.params["*"]);
        if (request.headers["content-range"])
          throw new HttpError(400, "A part of a file cannot be stored, only a whole one");
        const contentType = typeOf(request.headers["content-type"]);
        prepare(request, reply);
        await storeFile(upload, reply, request.raw, {
          name,
          contentType,
          ...(size !== undefined && { size }),
        });
        return uploaded([name], store.bucket);
      });
    },
  });

  app.delete("/files/*", {
    schema: {
      ...common,
      operationId: "deleteFile",
      summary: "Deletes a file",
      params: nameParams,
      response: {
        200: jsonAnswer("Deleted"),
        ...errorSchemas(400, 401, 403, 404, 429, 502, 503, 504),
        default: anyError,
      },
    },
    handler: async (request, reply) => {
      const name = nameInPath(request, request.params["*"]);
      const was = await callStore(context, reply, settings.STORE_SECONDS, (signal) =>
        store.delete(name, signal),
      );
      if (!was) throw notFound(name, store.bucket);
      return { status: 200, message: `Successfully deleted '${name}' from the bucket '${store.bucket}'` };
    },
  });
};

interface UploadContext extends FileContext {
  /** Aborted when the client sends too slowly. */
  readonly slow: AbortSignal;
}

/** Takes a request's body, of `size` bytes if that is known, as one of the uploads that this machine takes at a time. */
function receive<T>(
  context: FileContext,
  { raw }: FastifyRequest,
  size: number | undefined,
  work: (upload: UploadContext) => Promise<T>,
): Promise<T> {
  const { uploads, settings, store } = context;
  return uploads.run(store.uploadMemory?.(size) ?? uploadBytes, () =>
    watchingClient(raw, settings.UPLOAD_IDLE_SECONDS, (slow) => work({ ...context, slow })),
  );
}

function uploaded(names: readonly string[], bucket: string) {
  const list = names.map((name) => `'${name}'`).join(", ");
  return { status: 200, message: `Successfully uploaded ${list} to the bucket '${bucket}'` };
}

/** Asks for the body, when it is one that is stored as it comes. */
function prepare({ headers, raw }: FastifyRequest, reply: FastifyReply): void {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    const message = `Files are stored as they come: '${encoding}' is no Content-Encoding for an upload`;
    throw new HttpError(415, message, { "accept-encoding": "identity" });
  }
  askForBody(raw, reply.raw);
}

/**
 * Stores the files of a form one after another, and returns their names.
 * @throws {HttpError} with status 404 when it has none (R2.4): a text in the file's place is the name of a file that
 * was not sent along
 */
async function storeForm(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string[]> {
  prepare(request, reply);
  const names: string[] = [];
  let missing = fileField;
  if (request.headers["content-type"] === undefined)
    throw new HttpError(404, `The file '${missing}' was not found`);
  for await (const { field, value, fileName, contentType, content } of readForm(request.raw, context.slow)) {
    if (!content) {
      if (field === fileField && value) missing = value;
    } else if (fileName === "") content.resume();
    else {
      const name = checkFormName(fileName);
      await storeFile(context, reply, content, { name, contentType: typeOf(contentType) });
      names.push(name);
    }
  }
  if (names.length === 0) throw new HttpError(404, `The file '${missing}' was not found`);
  return names;
}

/**
 * Clients differ in how they write a quotation mark, a line's end or a backslash in a form: browsers as `%22`, `%0D`,
 * `%0A` and themselves, with the percent sign as it is (HTML, 4.10.22.8); others behind a backslash (RFC 2183). Names in
 * which that could be are refused, so that no file is stored under another's name.
 * @throws {HttpError} with status 400
 */
function checkFormName(name: string): string {
  if (/["\\]|%(22|0a|0d)/i.test(name)) {
    throw new HttpError(400, `The file name '${name}' is ambiguous in a form; use PUT /files/<name>`);
  }
  return checkName(name);
}

interface Upload {
  readonly name: string;
  readonly contentType: string;
  /** In bytes. */
  readonly size?: number;
}

/** Stores what a client sends, within the limits; of two failures the client's is the one that counts. */
async function storeFile(
  context: UploadContext,
  reply: FastifyReply,
  source: Readable,
  { name, ...options }: Upload,
): Promise<void> {
  const { settings, store, slow } = context;
  const content = limitFile(source, {
    ...sizeLimits(context, options),
    idleSeconds: settings.UPLOAD_IDLE_SECONDS,
  });
  try {
    await callStore(context, reply, slow, (signal) => store.put(name, content, { ...options, signal }));
  } catch (error) {
    throw content.errored instanceof HttpError ? content.errored : error;
  } finally {
    content.destroy();
  }
}

/** A store may take less of what comes without a length. */
function sizeLimits({ settings, store }: FileContext, { size }: Partial<Upload>) {
  const { MAX_FILE_BYTES: maxBytes } = settings;
  const { maxUnknownBytes = maxBytes } = store;
  if (size !== undefined || maxUnknownBytes >= maxBytes) return { maxBytes };
  const remedy = ", unless a Content-Length says before how long it is: PUT /files/<name>";
  return { maxBytes: maxUnknownBytes, remedy };
}

/**
 * How large a request says its body is, if it does.
 * @throws {HttpError} with status 411 when it announces no body at all, so that no empty file takes another's place
 */
function sizeOf({ headers }: IncomingMessage, maxBytes: number): number | undefined {
  if (headers["transfer-encoding"]) return undefined;
  const length = headers["content-length"];
  if (length === undefined)
    throw new HttpError(411, "Say how long the file is by Content-Length, which is 0 for an empty one");
  const size = Number(length);
  if (size > maxBytes) throw tooLarge(maxBytes);
  return size;
}

function typeOf(header = ""): string {
  return /^[\x20-\x7e]{1,255}$/.test(header) ? header : unknownType;
}
