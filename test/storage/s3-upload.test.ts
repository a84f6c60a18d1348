import { GetObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uploadToS3 } from "../../service/storage/s3-upload.ts";
import { isInstalled, serverPackages } from "../servers/cache.ts";
import { type S3Server, startS3 } from "../servers/s3.ts";

const MB = 1_000_000;
const { signal } = new AbortController();

async function* chunksOf(bytes: number): AsyncGenerator<Buffer, void> {
  for (let sent = 0; sent < bytes; sent += MB) yield Buffer.alloc(Math.min(MB, bytes - sent), sent / MB);
}

describe.skipIf(!isInstalled(serverPackages.s3))("an upload to S3 as AWS wants it", () => {
  let server: S3Server;
  let client: S3Client;

  beforeAll(async () => {
    server = await startS3();
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = server.credentials;
    // Unlike one that has an endpoint of its own (s3.ts), it sends checksums.
    client = new S3Client({
      endpoint: server.endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      requestChecksumCalculation: "WHEN_SUPPORTED",
    });
  });

  afterAll(async () => {
    client?.destroy();
    await server?.stop();
  });

  async function upload(bytes: number, size?: number) {
    const target = { Bucket: server.bucket, Key: "files/a" };
    await uploadToS3({ client, target: { ...target, ContentType: "a/b" }, size, signal }, chunksOf(bytes));
    const { Body } = await client.send(new GetObjectCommand(target));
    const content = Buffer.concat(await Array.fromAsync(chunksOf(bytes)));
    expect(content.equals((await Body?.transformToByteArray()) ?? Buffer.of())).toBe(true);
    return client.send(new HeadObjectCommand({ ...target, ChecksumMode: "ENABLED" }));
  }

  test("of one request has its checksum", async () => {
    const { ChecksumCRC32, ETag } = await upload(2 * MB);
    expect([ChecksumCRC32, ETag]).toEqual([
      expect.stringMatching(/^[\w+/]{6}==$/),
      expect.stringMatching(/^"\w{32}"$/),
    ]);
  });

  test("of parts has one of theirs", async () => {
    const { ChecksumCRC32, ETag } = await upload(20 * MB);
    expect([ChecksumCRC32, ETag]).toEqual([
      expect.stringMatching(/^[\w+/]{6}==-4$/),
      expect.stringMatching(/^"\w{32}-4"$/),
    ]);
  });

  test("has larger parts when there would be more than 10,000", async () => {
    expect((await upload(20 * MB, 100_000 * MB)).ETag).toMatch(/-2"$/);
  });
});
