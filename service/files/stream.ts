import { type Readable, Transform } from "node:stream";
import { HttpError } from "../http/http-error.ts";

export interface FileLimits {
  readonly maxBytes: number;
  /** What to tell whoever sends more, after the limit itself. */
  readonly remedy?: string;
  /** How long the store may take nothing, in seconds. */
  readonly idleSeconds: number;
}

/**
 * What comes from a client, as a stream that fails, so that nothing is stored: with 413 once it is longer than
 * `maxBytes`, with 504 when the store takes nothing for `idleSeconds`, and with 400 when the client ends too early. The
 * source itself is left intact, because the answer goes out on the same connection.
 */
export function limitFile(source: Readable, { maxBytes, remedy, idleSeconds }: FileLimits): Readable {
  let bytes = 0;
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      idle.refresh();
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLarge(maxBytes, remedy));
      else done(null, chunk);
    },
    flush(done) {
      clearTimeout(idle);
      done();
    },
    destroy(error, done) {
      clearTimeout(idle);
      source.unpipe(limited);
      source.off("error", cut).off("close", cut);
      done(error);
    },
  });
  const idle = setTimeout(() => {
    // Else it waits for the client, whose time client-rate.ts takes.
    if (limited.readableLength > 0) fail(new HttpError(504, `The bucket took nothing for ${idleSeconds} s`));
  }, idleSeconds * 1000);
  const fail = (error: Error) => void limited.destroy(error);
  const cut = () => {
    if (!source.readableEnded) fail(new HttpError(400, "The upload ended too early"));
  };
  source.on("error", cut).on("close", cut);
  // Whoever reads it gets the error too; this is for one that comes before or after.
  limited.on("error", () => {});
  if (source.errored) cut();
  else source.pipe(limited);
  return limited;
}

/** The answer to a file that is larger than may be. */
export function tooLarge(maxBytes: number, remedy = ""): HttpError {
  return new HttpError(413, `A file may have at most ${maxBytes} bytes${remedy}`);
}
