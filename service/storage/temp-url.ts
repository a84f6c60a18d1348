import { createHmac } from "node:crypto";
import type { HttpClient } from "./http.ts";

export interface TemporaryUrlOptions {
  /** Where the object is. */
  readonly url: string;
  /** What is signed: `/v1/<account>/<container>/<object>`, not encoded. */
  readonly object: string;
  readonly key: string;
  readonly digest: "sha256" | "sha1";
  /** In seconds since the epoch. */
  readonly expires: number;
  readonly contentDisposition: string;
}

/**
 * Signs a download for Swift's tempurl middleware. That makes the `Content-Disposition` itself, of a file name and
 * whether the browser is to show it.
 */
export function temporaryUrl(options: TemporaryUrlOptions): string {
  const { url, object, key, digest, expires, contentDisposition } = options;
  const signature = createHmac(digest, key).update(`GET\n${expires}\n${object}`).digest("hex");
  const name = fileNameOf(contentDisposition);
  const query = new URLSearchParams({
    temp_url_sig: signature,
    temp_url_expires: String(expires),
    ...(name !== undefined && { filename: name }),
    ...(contentDisposition.startsWith("inline") && { inline: "" }),
  });
  return `${url}?${query}`;
}

/** The file name in a `Content-Disposition` (RFC 6266): the encoded one if there is one. */
function fileNameOf(contentDisposition: string): string | undefined {
  const encoded = /;\s*filename\*=UTF-8''([^;\s]+)/i.exec(contentDisposition)?.[1];
  if (encoded !== undefined) return decodeURIComponent(encoded);
  const [, quoted, token] = /;\s*filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(contentDisposition) ?? [];
  return quoted?.replace(/\\(.)/g, "$1") ?? token;
}

interface Info {
  readonly tempurl?: { readonly allowed_digests?: readonly string[] };
}

/**
 * The best hash that a cloud takes, as its `/info` says; SHA-1 where tempurl tells of none, as that had no other (Swift
 * before 2.13, Ceph before Quincy), SHA-256 where there is no `/info`.
 */
export async function allowedDigest(
  client: HttpClient,
  storageUrl: string,
  signal: AbortSignal,
): Promise<"sha256" | "sha1"> {
  const root = storageUrl.replace(/\/v1(\/.*)?$/, "");
  const { status, body } = await client.call({ method: "GET", url: `${root}/info`, signal });
  if (status !== 200) return "sha256";
  const { tempurl } = JSON.parse(body.toString()) as Info;
  return !tempurl || tempurl.allowed_digests?.includes("sha256") ? "sha256" : "sha1";
}
