import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { freePort } from "../support/ports.ts";
import { folderOf, serverPackages } from "./cache.ts";
import { type Running, serverFolder, startServer } from "./process.ts";

export interface S3Server extends Running {
  readonly endpoint: string;
  readonly bucket: string;
  /** The environment variables by which the SDK finds its credentials. */
  readonly credentials: Readonly<Record<"AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY", string>>;
  /** For what tests ask the server behind the store's back. */
  readonly client: S3Client;
}

/** Starts versitygw on files, with one bucket. It checks signatures, and the names that a file system can have. */
export async function startS3(): Promise<S3Server> {
  const { folder, undo, stop } = await serverFolder("s3");
  const port = await freePort();
  const data = join(folder, "data");
  await mkdir(data);
  const endpoint = `http://127.0.0.1:${port}`;
  const [accessKeyId, secretAccessKey] = ["test-access-key", "test-secret-key"];
  const server = await startServer({
    command: join(folderOf(serverPackages.s3), "versitygw"),
    args: ["--port", `127.0.0.1:${port}`, "posix", data],
    env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    cwd: folder,
    url: endpoint,
  });
  undo.push(server.stop);
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  const bucket = "files-of-test";
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    endpoint,
    bucket,
    credentials: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    client,
    stop,
  };
}
