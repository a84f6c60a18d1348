import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { conformance } from "../storage/conformance.ts";
import type { OpenStore } from "../storage/stores.ts";
import { deployedStore } from "./deployed-store.ts";
import { Deployment, freePort } from "./deployment.ts";

/** A stack of two machines, each of which gets every other request; its bucket is looked at from behind. */
async function deploy(): Promise<OpenStore> {
  const port = await freePort();
  const deployment = await Deployment.create({
    cloud: "local",
    network: { cidr: "10.98.0.0/16", subnets: [{ cidr: "10.98.1.0/24" }] },
    machines: 2,
    app: { requestsPerMinute: 0 },
    loadBalancer: { port },
    bucket: { protect: false, empty: true },
  });
  const made = await deployment.up();
  if (made.code !== 0) throw new Error(made.stdout + made.stderr);
  const bucket = `${(await deployment.outputs()).bucketName}`;
  const store = deployedStore(bucket, `http://127.0.0.1:${port}`, await deployment.adminToken());
  const folders = await readdir(deployment.home, { recursive: true });
  const folder = folders.find((path) => path.endsWith(join("buckets", bucket)));
  const root = join(deployment.home, folder ?? "");
  return {
    store,
    keys: async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .filter((key) => !/^(releases|runtimes)\//.test(key));
    },
    stop: () => deployment.remove(),
  };
}

conformance({
  name: "deployed",
  installed: true,
  prefix: "files/",
  maxNameBytes: 1024,
  fixedUrls: true,
  open: deploy,
});
