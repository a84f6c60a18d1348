import { readFile } from "node:fs/promises";
import { startImds } from "../providers/aws/imds.ts";
import { type PolicyStatement, startRoleS3 } from "../providers/aws/role-s3.ts";
import { network } from "./machine.ts";
import { serve } from "./services.ts";

/** What of AWS a machine meets. */
export interface AwsServices {
  readonly instanceId: string;
  readonly bucket: string;
  /** The bucket's objects, by key: files out here. */
  readonly objects: Readonly<Record<string, string>>;
  /** PEM, for the names of S3. */
  readonly tls: { readonly key: string; readonly cert: string };
}

/** The policy of a machine's role. */
function statementsFor(bucket: string): PolicyStatement[] {
  const objects = (...keys: string[]) => keys.map((key) => `arn:aws:s3:::${bucket}/${key}`);
  return [
    { Effect: "Allow", Action: "s3:GetObject", Resource: objects("releases/*", "runtimes/*", "files/*") },
    { Effect: "Allow", Action: ["s3:PutObject", "s3:DeleteObject"], Resource: objects("files/*") },
    { Effect: "Allow", Action: "s3:ListBucket", Resource: `arn:aws:s3:::${bucket}` },
  ];
}

if (import.meta.main) {
  await serve<AwsServices>(async ({ instanceId, bucket, objects, tls }, report) => {
    const s3 = await startRoleS3({
      bucket,
      statements: statementsFor(bucket),
      tls: { host: network.cloud, ...tls },
      report: ({ path, status }) => report({ service: "s3", path, status }),
    });
    for (const [key, file] of Object.entries(objects)) await s3.put(key, await readFile(file));
    await s3.put("files/a.csv", Buffer.from("a,b\n1,2\n"));
    const credentials = await s3.credentials();
    const imds = await startImds({
      instanceId,
      role: s3.role,
      credentials: () => credentials,
      listen: { host: "169.254.169.254", port: 80 },
      report: (request) => report({ service: "imds", request }),
    });
    return [s3, { stop: imds.close }];
  });
}
