import { createHash, type KeyObject, verify } from "node:crypto";

/**
 * Checks a V4 signature as Google Cloud Storage's documentation ("V4 signing process", "Canonical requests") says, and
 * that the URL has not expired.
 */
export function isSignedV4(text: string, publicKey: KeyObject): boolean {
  const url = new URL(text);
  const parameters = [...url.searchParams].filter(([name]) => name !== "X-Goog-Signature");
  const encode = (value: string) =>
    encodeURIComponent(value).replace(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const query = parameters
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const value = (name: string) => url.searchParams.get(name) ?? "";
  const canonical = ["GET", url.pathname, query, `host:${url.hostname}\n`, "host", "UNSIGNED-PAYLOAD"].join(
    "\n",
  );
  const signed = [
    "GOOG4-RSA-SHA256",
    value("X-Goog-Date"),
    value("X-Goog-Credential").split("/").slice(1).join("/"),
    createHash("sha256").update(canonical).digest("hex"),
  ].join("\n");
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(value("X-Goog-Date")) ?? [];
  const made = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const signature = Buffer.from(value("X-Goog-Signature"), "hex");
  const expired = Date.now() >= made + Number(value("X-Goog-Expires")) * 1000;
  return !expired && verify("sha256", Buffer.from(signed), publicKey, signature);
}
