import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { HttpError } from "../http/http-error.ts";

/** A part of a form: a file if `content` is there, else a text. */
export interface FormPart {
  readonly field: string;
  /** The text. */
  readonly value: string;
  /** What the client calls the file, with its folders. */
  readonly fileName: string;
  readonly contentType: string;
  readonly content?: Readable;
}

/** What is no file is read into memory, so it may be little. */
const limits = { files: 1000, fields: 100, fieldSize: 2048 };

const limitEvents = ["partsLimit", "filesLimit", "fieldsLimit"] as const;

/**
 * Reads a form of type multipart/form-data as it comes; each file must be read, or destroyed, before the next part
 * comes. The file of a form that ends too early fails, and never ends as if it were whole. What is between files fails
 * with the reason of `end`, once that is aborted.
 * @throws {HttpError} with status 400 when it is no such form, 413 when it has too many parts
 */
export async function* readForm(request: IncomingMessage, end: AbortSignal): AsyncGenerator<FormPart> {
  const parts = new Readable({ objectMode: true, read() {} });
  const fail = ({ message }: Error) => {
    parts.destroy(new HttpError(400, `The form cannot be read: ${message}`));
  };
  const form = openParser(request, parts, fail);
  const onClose = () => {
    if (!request.readableEnded) fail(new Error("it ended too early"));
  };
  const onEnd = () => void parts.destroy(end.reason);
  end.addEventListener("abort", onEnd);
  request.on("close", onClose).pipe(form);
  try {
    yield* parts;
  } finally {
    end.removeEventListener("abort", onEnd);
    request.off("close", onClose).unpipe(form);
    parts.destroy();
  }
}

function openParser(
  { headers }: IncomingMessage,
  parts: Readable,
  fail: (error: Error) => void,
): BusboyInstance {
  const contentType = headers["content-type"] ?? "";
  try {
    const form = new Busboy({ headers: { "content-type": contentType }, limits, preservePath: true })
      .on("file", (field, content, fileName = "", _encoding, contentType) => {
        // The parser only emits the error of a part that ends too early; later listeners must find it.
        content.on("error", (error) => content.destroy(error));
        parts.push({ field, value: "", fileName, contentType, content } satisfies FormPart);
      })
      .on("field", (field, value) => {
        parts.push({ field, value, fileName: "", contentType: "text/plain" } satisfies FormPart);
      })
      .on("error", (error) => fail(error as Error))
      .on("finish", () => parts.push(null));
    for (const event of limitEvents) {
      form.on(event, () => parts.destroy(new HttpError(413, "The form has too many parts")));
    }
    return form;
  } catch (error) {
    throw new HttpError(400, `The form cannot be read: ${(error as Error).message}`);
  }
}
