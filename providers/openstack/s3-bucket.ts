import type { S3Client } from "@aws-sdk/client-s3";
import type { OperationContext, ResourceKind } from "../../plugin/resource.ts";
import { s3Login } from "./files.ts";

/** A bucket of an S3 service; who deploys has its access key in the environment. */
export interface S3BucketInputs {
  readonly endpoint: string;
  /** The region that requests are signed for. */
  readonly region: string;
  readonly bucket: string;
  /** Whether its objects go with it. */
  readonly empty: boolean;
}

/** How many objects are deleted at a time. */
const atOnce = 32;

/** A private bucket. One that its owner has already is taken for what a killed deployment made. */
export const s3Bucket: ResourceKind = {
  replaceOn: ["endpoint", "bucket"],
  preview: ({ bucket }) => ({ bucket }),
  async create(news, context) {
    const inputs = news as unknown as S3BucketInputs;
    const { bucket: Bucket } = inputs;
    await asking(inputs, context, async (client, { CreateBucketCommand }, options) => {
      await client.send(new CreateBucketCommand({ Bucket }), options).catch((error: Error) => {
        if (error.name !== "BucketAlreadyOwnedByYou") throw error;
      });
    });
    return { id: Bucket, outputs: {} };
  },
  read: (_id, { inputs, outputs }, context) => {
    const there = inputs as unknown as S3BucketInputs;
    return asking(there, context, async (client, { HeadBucketCommand }, options) => {
      try {
        await client.send(new HeadBucketCommand({ Bucket: there.bucket }), options);
        return { inputs, outputs };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  },
  update: async () => ({}),
  async delete(_id, olds, context) {
    const inputs = olds as unknown as S3BucketInputs;
    const { bucket: Bucket, empty } = inputs;
    await asking(inputs, context, async (client, { DeleteBucketCommand }, options) => {
      try {
        if (empty) await deleteObjects(client, Bucket, context);
        await client.send(new DeleteBucketCommand({ Bucket }), options);
      } catch (error) {
        if (statusOf(error) === 404) return;
        if ((error as Error).name !== "BucketNotEmpty") throw error;
        const remedy = "deploy switchyard:bucket.empty as true first, or delete its objects";
        throw new Error(`it still has objects: ${remedy}`, { cause: error });
      }
    });
  },
};

type Sdk = typeof import("@aws-sdk/client-s3");

/** Asks the service something, and says which one it was that refused. */
async function asking<T>(
  { endpoint, region, bucket }: S3BucketInputs,
  { signal }: OperationContext,
  work: (client: S3Client, sdk: Sdk, options: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  s3Login();
  // Loaded for a stack that needs it alone.
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  try {
    return await work(client, sdk, { abortSignal: signal });
  } catch (error) {
    const { name, message } = error as Error;
    const status = statusOf(error);
    const said = [status === undefined ? "" : `status ${status}`, name === "Error" ? "" : name, message];
    const taken =
      name === "BucketAlreadyExists"
        ? "; somebody else has one of that name: give switchyard:names.bucket"
        : "";
    throw new Error(`Bucket ${bucket} at ${endpoint}: ${said.filter(Boolean).join(", ")}${taken}`, {
      cause: error,
    });
  } finally {
    client.destroy();
  }
}

async function deleteObjects(client: S3Client, Bucket: string, { signal }: OperationContext): Promise<void> {
  const { DeleteObjectCommand, paginateListObjectsV2 } = await import("@aws-sdk/client-s3");
  const options = { abortSignal: signal };
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket }, options)) {
    for (let at = 0; at < Contents.length; at += atOnce) {
      // One by one: of many at once, servers want a hash that others do not know.
      await Promise.all(
        Contents.slice(at, at + atOnce).map(({ Key }) =>
          client.send(new DeleteObjectCommand({ Bucket, Key }), options),
        ),
      );
    }
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
