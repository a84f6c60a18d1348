import { basename, dirname } from "node:path";
import { onTestFinished, vi } from "vitest";
import { LocalCloud } from "../../providers/local/cloud/client.ts";
import { filesOf } from "../../providers/local/files.ts";
import { openStore } from "../../service/storage/index.ts";
import type { Store } from "../../service/storage/store.ts";
import { temporaryFolder } from "./local-cloud.ts";
import { deployedStack } from "./outputs.ts";

/** The store of a bucket in a local cloud of its own, as an operator reaches it; all of it ends with the test. */
export async function localFiles(bucket = "day02-files"): Promise<Store> {
  const home = temporaryFolder();
  vi.stubEnv("SWITCHYARD_HOME", dirname(home));
  vi.stubEnv("PULUMI_BACKEND_URL", "");
  onTestFinished(() => void vi.unstubAllEnvs());
  await new LocalCloud(home).put("buckets", bucket, { empty: true });
  const store = await openStore(await filesOf(deployedStack(basename(home), { bucketName: bucket })));
  onTestFinished(() => store.close());
  return store;
}
