import * as pulumi from "@pulumi/pulumi";
import { readBootstrap } from "./config.ts";

const bootstrap = await readBootstrap(pulumi.runtime.allConfig());
const clouds = {
  aws: () => import("./aws/index.ts"),
  gcp: () => import("./gcp/index.ts"),
  openstack: () => import("./openstack/index.ts"),
};
const cloud = await clouds[bootstrap.settings.cloud as keyof typeof clouds]();

/** What the workflows' environments need, and the stack's own file. */
export default cloud.makeDeployer(bootstrap);
