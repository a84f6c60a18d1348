import { join } from "node:path";
import { conformance } from "../storage/conformance.ts";
import { keysBelow, type OpenStore } from "../storage/stores.ts";
import { freePort } from "../support/ports.ts";
import { deployedStore } from "./deployed-store.ts";
import { Deployment } from "./deployment.ts";

/** A stack of two machines, each of which gets every other request; its bucket is looked at from behind. */
async function deploy(): Promise<OpenStore> {
  const port = await freePort();
  const deployment = await Deployment.up({
    cloud: "local",
    network: { cidr: "10.98.0.0/16", subnets: [{ cidr: "10.98.1.0/24" }] },
    machines: 2,
    app: { requestsPerMinute: 0 },
    loadBalancer: { port },
    bucket: { protect: false, empty: true },
  });
  const bucket = `${(await deployment.outputs()).bucketName}`;
  const store = deployedStore(bucket, `http://127.0.0.1:${port}`, await deployment.adminToken());
  const root = join((await deployment.cloud()).home, "buckets", bucket);
  return {
    store,
    keys: async () => (await keysBelow(root)).filter((key) => !/^(releases|runtimes)\//.test(key)),
    stop: () => deployment.remove(),
  };
}

conformance({
  name: "deployed",
  installed: true,
  prefix: "files/",
  maxNameBytes: 1024,
  fixedUrls: true,
  hasDocuments: false,
  open: deploy,
});
