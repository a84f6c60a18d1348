import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../support/ports.ts";
import { folderOf, serverPackages } from "./cache.ts";
import { type Running, serverFolder, startServer } from "./process.ts";

export interface GcsServer extends Running {
  readonly endpoint: string;
  readonly bucket: string;
  /** The environment variable by which the SDK finds its credentials: a service account with a throw-away key. */
  readonly credentials: Readonly<Record<"GOOGLE_APPLICATION_CREDENTIALS", string>>;
  /** The other half of that key: the server checks no signature, so tests do. */
  readonly publicKey: KeyObject;
}

/** Starts fake-gcs-server in memory, with one bucket. */
export async function startGcs(): Promise<GcsServer> {
  const { folder, undo, stop } = await serverFolder("gcs");
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const endpoint = `http://${address}`;
  const server = await startServer({
    command: join(folderOf(serverPackages.gcs), "fake-gcs-server"),
    args: [
      ...["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), "-backend", "memory"],
      ...["-public-host", address, "-external-url", endpoint, "-log-level", "error"],
    ],
    cwd: folder,
    url: `${endpoint}/storage/v1/b`,
  });
  undo.push(server.stop);
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const file = join(folder, "credentials.json");
  await writeFile(
    file,
    JSON.stringify({
      type: "service_account",
      project_id: "test",
      client_email: "files@test.iam.gserviceaccount.com",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    }),
  );
  const bucket = "files-of-test";
  const made = await fetch(`${endpoint}/storage/v1/b?project=test`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: bucket }),
  });
  if (!made.ok) throw new Error(`fake-gcs-server makes no bucket: ${made.status} ${await made.text()}`);
  return { endpoint, bucket, credentials: { GOOGLE_APPLICATION_CREDENTIALS: file }, publicKey, stop };
}
