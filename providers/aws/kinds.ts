import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { fetchNpmPackage, type NpmPackage } from "../../plugin/npm-package.ts";
import type { OperationContext, Properties, ResourceKind } from "../../plugin/resource.ts";
import { layout } from "./layout.ts";
import { machineTags } from "./machine-tags.ts";

interface RuntimeInputs {
  readonly bucket: string;
  readonly key: string;
  readonly content: NpmPackage;
  readonly region: string;
  readonly profile?: string;
  readonly tags: Readonly<Record<string, string>>;
}

async function withS3<T>(
  properties: Properties,
  work: (s3: S3Client, inputs: RuntimeInputs, object: { Bucket: string; Key: string }) => Promise<T>,
): Promise<T> {
  const inputs = properties as unknown as RuntimeInputs;
  const { region, profile, bucket, key } = inputs;
  const s3 = new S3Client({ region, ...(profile && { profile }) });
  try {
    return await work(s3, inputs, { Bucket: bucket, Key: key });
  } catch (error) {
    throw inWords(error as Error, inputs);
  } finally {
    s3.destroy();
  }
}

/**
 * S3's answer to a request without a body says no more than its status, and the SDK no more than `UnknownError`; and of a
 * profile without credentials it says everything but its name.
 */
function inWords(error: Error, { bucket, key, profile }: RuntimeInputs): Error {
  const who = profile ? `the profile ${profile} of aws:profile` : "the environment's credentials";
  if (error.name === "CredentialsProviderError") {
    return new Error(`There are no credentials for S3 (${who}): ${error.message}`, { cause: error });
  }
  if (!(error instanceof S3ServiceException)) return error;
  const { httpStatusCode: status = "nothing", requestId = "unknown" } = error.$metadata;
  const { name, message } = error;
  const said = ["", "UnknownError"].includes(message) ? name : `${name}: ${message}`;
  const rights = `It was asked with ${who}, which need s3:GetObject, s3:ListBucket, s3:PutObject and s3:PutObjectTagging there.`;
  const answer = `S3 answered ${status} (${said}) for ${key} in bucket ${bucket}, request ${requestId}.`;
  return new Error(status === 403 ? `${answer} ${rights}` : answer, { cause: error });
}

async function exists(
  s3: S3Client,
  object: { Bucket: string; Key: string },
  { signal }: OperationContext,
): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand(object), { abortSignal: signal });
    return true;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return false;
    throw error;
  }
}

/** The Node.js that machines fetch. Its key carries its hash, so that what is there already needs no upload. */
const runtimeObject: ResourceKind = {
  replaceOn: ["bucket", "key", "region"],
  create: (news, context) =>
    withS3(news, async (s3, { content, tags }, object) => {
      const id = `${object.Bucket}/${object.Key}`;
      const tagging = new PutObjectTaggingCommand({ ...object, Tagging: { TagSet: tagSet(tags) } });
      if (await exists(s3, object, context)) {
        await s3.send(tagging, { abortSignal: context.signal });
        return { id, outputs: {} };
      }
      context.progress(`fetching ${content.npmPackage} ${content.version}`);
      const file = await fetchNpmPackage(content);
      const { size } = await stat(file);
      context.progress(`uploading ${(size / 1e6).toFixed(0)} MB`);
      const Tagging = new URLSearchParams({ ...tags }).toString();
      const upload = new PutObjectCommand({
        ...object,
        Body: createReadStream(file),
        ContentLength: size,
        Tagging,
      });
      await s3.send(upload, { abortSignal: context.signal });
      context.progress(`uploaded ${(size / 1e6).toFixed(0)} MB`);
      return { id, outputs: {} };
    }),
  read: (_id, { inputs, outputs }, context) =>
    withS3(inputs, async (s3, _, object) =>
      (await exists(s3, object, context)) ? { inputs, outputs } : undefined,
    ),
  update: (_id, news, _olds, { signal }) =>
    withS3(news, async (s3, { tags }, object) => {
      const Tagging = { TagSet: tagSet(tags) };
      await s3.send(new PutObjectTaggingCommand({ ...object, Tagging }), { abortSignal: signal });
      return {};
    }),
  delete: (_id, olds, { signal }) =>
    withS3(olds, async (s3, _, object) => {
      await s3.send(new DeleteObjectCommand(object), { abortSignal: signal });
    }),
};

function tagSet(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** The resource types of this cloud that its SDK does not have. */
export const kinds: Readonly<Record<string, ResourceKind>> = {
  "switchyard:aws:Layout": layout,
  "switchyard:aws:MachineTags": machineTags,
  "switchyard:aws:RuntimeObject": runtimeObject,
};
