import { readFile } from "node:fs/promises";
import { startImds } from "../providers/aws/imds.ts";
import { type PolicyStatement, startRoleS3 } from "../providers/aws/role-s3.ts";
import { network } from "./machine.ts";
import { serve } from "./services.ts";

/** What of AWS a machine meets. */
export interface AwsServices {
  readonly instanceId: string;
  readonly bucket: string;
  /** What the machine's role may do. */
  readonly statements: readonly PolicyStatement[];
  /** The bucket's objects, by key: files out here. */
  readonly objects: Readonly<Record<string, string>>;
  /** PEM, for the names of S3. */
  readonly tls: { readonly key: string; readonly cert: string };
}

if (import.meta.main) {
  await serve<AwsServices>(async ({ instanceId, bucket, statements, objects, tls }, report) => {
    const s3 = await startRoleS3({
      bucket,
      statements,
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
