import { createHash, randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GetObjectCommand, GetObjectTaggingCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { OperationContext, Properties, ResourceKind } from "../../../plugin/resource.ts";
import { kinds } from "../../../providers/aws/kinds.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import { type S3Server, startS3 } from "../../servers/s3.ts";

const packages = join(import.meta.dirname, "../../../.switchyard/packages");

describe.runIf(isInstalled(serverPackages.s3))("switchyard:aws:RuntimeObject, on an S3 server", () => {
  const npmPackage = `runtime-of-test-${process.pid}`;
  const file = join(packages, `${npmPackage}-1.0.0.tgz`);
  const bytes = randomBytes(3_000_000);
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  let server: S3Server;
  let kind: ResourceKind;
  let count = 0;

  function inputs(tags: Record<string, string> = { project_name: "lab1" }): Properties {
    count += 1;
    const content = { npmPackage, version: "1.0.0", integrity };
    return { bucket: server.bucket, key: `runtimes/node-${count}.tgz`, content, region: "us-east-1", tags };
  }

  function context(): OperationContext & { readonly lines: string[] } {
    const lines: string[] = [];
    const show = (line: string) => void lines.push(line);
    const urn = "urn:pulumi:s::p::switchyard:aws:RuntimeObject::runtime-linux-x64";
    const { signal } = new AbortController();
    return { urn, name: "runtime-linux-x64", signal, lines, progress: show, warn: show };
  }

  const stored = async ({ key }: Properties) => {
    const object = { Bucket: server.bucket, Key: String(key) };
    const { Body } = await server.client.send(new GetObjectCommand(object));
    const { TagSet } = await server.client.send(new GetObjectTaggingCommand(object));
    const tags = Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key, Value]));
    return { bytes: Buffer.from((await Body?.transformToByteArray()) ?? []), tags };
  };

  beforeAll(async () => {
    // Where the package is once it has been fetched; fetching has tests of its own.
    await mkdir(packages, { recursive: true });
    await writeFile(file, bytes);
    server = await startS3();
    const found = kinds["switchyard:aws:RuntimeObject"];
    if (!found) throw new Error("there is no such kind");
    kind = found;
  }, 70_000);

  afterAll(async () => {
    await rm(file, { force: true });
    await server?.stop();
  });

  afterEach(() => void vi.unstubAllEnvs());

  /** The plugin finds server and credentials as an operator gives them. */
  function asOperator() {
    for (const [name, value] of Object.entries(server.credentials)) vi.stubEnv(name, value);
    vi.stubEnv("AWS_ENDPOINT_URL_S3", server.endpoint);
  }

  it("uploads the package byte for byte, with its tags", async () => {
    asOperator();
    const news = inputs({ project_name: "lab1", "cost centre": "42/a+b" });
    const during = context();
    expect(await kind.create(news, during)).toEqual({ id: `${news.bucket}/${news.key}`, outputs: {} });
    const { bytes: found, tags } = await stored(news);
    expect(found.equals(bytes)).toBe(true);
    expect(tags).toEqual(news.tags);
    expect(during.lines).toEqual([`fetching ${npmPackage} 1.0.0`, "uploading 3 MB", "uploaded 3 MB"]);
  });

  it("uploads nothing when the object is there, and tags it as asked for", async () => {
    asOperator();
    const news = inputs();
    const there = Buffer.from("there already");
    await server.client.send(
      new PutObjectCommand({ Bucket: server.bucket, Key: String(news.key), Body: there }),
    );
    const during = context();
    await kind.create(news, during);
    expect((await stored(news)).bytes.equals(there)).toBe(true);
    expect((await stored(news)).tags).toEqual({ project_name: "lab1" });
    expect(during.lines).toEqual([]);
  });

  it("is found while it is there, takes other tags, and goes when it is deleted", async () => {
    asOperator();
    const news = inputs();
    const { id } = await kind.create(news, context());
    const state = { inputs: news, outputs: {} };
    expect(await kind.read?.(id, state, context())).toEqual(state);
    const retagged = { ...news, tags: { project_name: "lab2" } };
    expect(await kind.update?.(id, retagged, news, context())).toEqual({});
    expect((await stored(news)).tags).toEqual({ project_name: "lab2" });
    await kind.delete?.(id, retagged, context());
    expect(await kind.read?.(id, state, context())).toBeUndefined();
  });

  it("is replaced when it must be elsewhere", () => {
    expect(kind.replaceOn).toEqual(["bucket", "key", "region"]);
  });

  it("fails, and does not take it for missing, when it is refused", async () => {
    asOperator();
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "wrong");
    const news = inputs();
    await expect(kind.read?.("id", { inputs: news, outputs: {} }, context())).rejects.toThrow();
    await expect(kind.create(news, context())).rejects.toThrow();
  });
});
