import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

/**
 * A file's hash, in hex; it is never whole in memory.
 * @param algorithm Node.js's name of it, such as `sha256`
 */
export async function hashOfFile(file: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** The hash of a lock file's `integrity` (`sha512-` and base64), in hex. */
export function hexOf(integrity: string): string {
  return Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
}
