import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { ObjectContent } from "../components/bucket.ts";
import type { FilesModule, ObjectStore } from "../operations/files.ts";
import { parseUrn } from "../operations/urn.ts";
import { commitFile, commitKey } from "../release/commit.ts";
import { hashOfFile, hexOf } from "../release/hashes.ts";
import { StoreError } from "../service/storage/store.ts";
import { fetchNpmPackage } from "./npm-package.ts";
import type { OperationContext, Properties, ResourceKind } from "./resource.ts";

interface Inputs {
  readonly cloud: string;
  readonly bucket: string;
  readonly access?: Readonly<Record<string, unknown>>;
  readonly key: string;
  readonly content: ObjectContent;
}

/** Whose files module opens a bucket. */
export type CloudsWithFiles = Readonly<Record<string, { files(): Promise<FilesModule> }>>;

/** The hash that content must have. */
function hashOf(content: ObjectContent): { readonly algorithm: string; readonly hex: string } {
  if ("npmPackage" in content) return { algorithm: "sha512", hex: hexOf(content.integrity) };
  return { algorithm: "sha256", hex: "kept" in content ? content.kept : content.sha256 };
}

/** The file that holds an object's content, fetched first when it comes from a registry. @throws when it is damaged */
async function fileOf(content: ObjectContent, context: OperationContext): Promise<string> {
  if ("npmPackage" in content) {
    context.progress(`fetching ${content.npmPackage} ${content.version}`);
    return fetchNpmPackage(content);
  }
  if ("kept" in content)
    throw new Error(
      "this release is not in the bucket (any more), and cannot be built again from here; npm run releases lists those that are kept",
    );
  const { file, sha256 } = content;
  const found = await hashOfFile(file, "sha256").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new Error(`the file to be stored is missing: ${file}; run the command again, which makes it`);
  });
  if (found === sha256) return file;
  throw new Error(
    `${file} has the sha256 ${found}, and must have ${sha256}: it is damaged, and is not stored; delete it, and run the command again`,
  );
}

/** Stores what says the commit of a release before the release itself: the archive is what counts. */
async function storeCommit(
  objects: ObjectStore,
  key: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const beside = commitFile(file);
  if (beside === undefined || !existsSync(beside)) return;
  const word = await readFile(beside, "utf8");
  await objects.put(commitKey(key, word), beside, `sha256:${await hashOfFile(beside, "sha256")}`, signal);
}

/** What a store said, which its error keeps for logs; here it is for who deploys. */
function inWords(error: unknown, { bucket, key, access = {} }: Inputs): unknown {
  if (!(error instanceof StoreError)) return error;
  const { name, message, code, $metadata } = (error.cause ?? {}) as Error & {
    /** Google's client has the status here; others, the name of an error. */
    code?: number | string;
    $metadata?: { httpStatusCode?: number; requestId?: string };
  };
  const status = typeof code === "number" ? code : $metadata?.httpStatusCode;
  const said = [
    status === undefined ? "" : `status ${status}`,
    name === "Error" ? "" : name,
    message === name || message === "UnknownError" ? "" : message,
    $metadata?.requestId === undefined ? "" : `request ${$metadata.requestId}`,
  ].filter(Boolean);
  const who = Object.entries(access).map(([what, value]) => `${what} ${value}`);
  const rights =
    status === 403 ? "; who deploys needs the right to look at, list and write objects there" : "";
  return new Error(
    `${key} in bucket ${bucket}${who.length > 0 ? ` (${who.join(", ")})` : ""}: ${error.message}: ${said.join(", ")}${rights}`,
    { cause: error },
  );
}

/**
 * An object that the deployment itself puts into a bucket: named by its content, checked before it is stored, and not
 * sent again when it is there already.
 */
export function storedObject(clouds: CloudsWithFiles): ResourceKind {
  async function withObjects<T>(
    properties: Properties,
    { urn }: OperationContext,
    work: (objects: ObjectStore, inputs: Inputs) => Promise<T>,
  ): Promise<T> {
    const inputs = properties as unknown as Inputs;
    const { cloud, bucket, access = {} } = inputs;
    const files = Object.hasOwn(clouds, cloud) ? await clouds[cloud]?.files() : undefined;
    if (!files) throw new Error(`there is no cloud ${JSON.stringify(cloud)} to store ${inputs.key} in`);
    const objects = await files.objectsOf({ bucket, access, stack: parseUrn(urn).stack });
    try {
      return await work(objects, inputs);
    } catch (error) {
      throw inWords(error, inputs);
    } finally {
      await objects.close();
    }
  }
  const ensure = (news: Properties, context: OperationContext) =>
    withObjects(news, context, async (objects, { key, content }) => {
      const { algorithm, hex } = hashOf(content);
      const hash = `${algorithm}:${hex}`;
      if (await objects.has(key, hash, context.signal)) return;
      const file = await fileOf(content, context);
      await storeCommit(objects, key, file, context.signal);
      const megabytes = ((await stat(file)).size / 1e6).toFixed(1);
      context.progress(`storing ${megabytes} MB`);
      await objects.put(key, file, hash, context.signal);
      context.progress(`stored ${megabytes} MB`);
    });
  return {
    replaceOn: ["cloud", "bucket", "key"],
    async create(news, context) {
      await ensure(news, context);
      return { id: `${news.bucket}/${news.key}`, outputs: {} };
    },
    read: (_id, { inputs, outputs }, context) =>
      withObjects(inputs, context, async (objects, { key, content }) => {
        const { algorithm, hex } = hashOf(content);
        // Another content is none: the next update stores it again.
        const there = await objects.has(key, `${algorithm}:${hex}`, context.signal);
        return there ? { inputs, outputs } : undefined;
      }),
    async update(_id, news, _olds, context) {
      await ensure(news, context);
      return {};
    },
    delete: (_id, olds, context) =>
      withObjects(olds, context, (objects, { key }) => objects.delete(key, context.signal)),
  };
}
