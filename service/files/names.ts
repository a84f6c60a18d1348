import { create as contentDisposition } from "content-disposition";
import type { FastifyRequest } from "fastify";
import { HttpError } from "../http/http-error.ts";

/** As many bytes of UTF-8 as the strictest of the stores takes (S3 and Google Cloud Storage: 1,024). */
const maxBytes = 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const controls = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Checks the name of a file: 1 to 1,024 bytes of UTF-8 without control characters, in segments between slashes of which
 * none is empty, `.` or `..`. A name is never changed to fit, so that no file lands under another name.
 * @throws {HttpError} with status 400
 */
export function checkName(name: string): string {
  checkText("file name", name);
  if (name === "") throw new HttpError(400, "A file name must not be empty");
  const bad = name.split("/").find((segment) => ["", ".", ".."].includes(segment));
  if (bad === undefined) return name;
  const what = bad === "" ? "an empty segment" : `the segment '${bad}'`;
  throw new HttpError(400, `The file name '${name}' has ${what}; leave it out`);
}

/**
 * Checks a text that names are compared with: a prefix, or where to go on.
 * @throws {HttpError} with status 400
 */
export function checkText(what: string, text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes)
    throw new HttpError(400, `A ${what} has at most ${maxBytes} bytes of UTF-8; this one has ${bytes}`);
  if (controls.test(text)) throw new HttpError(400, `A ${what} must not have control characters`);
  if (!text.isWellFormed() || text.includes("\ufffd"))
    throw new HttpError(400, `A ${what} must be valid UTF-8`);
  return text;
}

/**
 * The file name in a request's path, percent-decoded once by the router.
 * @param wildcard what stands for the route's `*`
 * @throws {HttpError} with status 400, also when the path has characters that a client must encode: where the router
 * and a server in front of it might read them differently, the name would not be the client's
 */
export function nameInPath({ url }: FastifyRequest, wildcard: string): string {
  if (/[^\x21-\x7e]|#/.test(url))
    throw new HttpError(400, "Percent-encode what is not ASCII, and '#', in a URL");
  return checkName(wildcard);
}

/** A browser saves the file under the last part of its name (RFC 6266; in RFC 8187's encoding where it must be). */
export function dispositionOf(name: string): string {
  return contentDisposition(name.slice(name.lastIndexOf("/") + 1));
}
