import * as pulumi from "@pulumi/pulumi";
import { AdminToken } from "./components/admin-token.ts";
import { Readiness } from "./components/readiness.ts";
import { Release } from "./components/release.ts";
import { buildRelease } from "./components/release-build.ts";
import type { AppEnvironment } from "./components/startup.ts";
import { openCloud } from "./providers/index.ts";

const { cloud, settings } = await openCloud(pulumi.runtime.allConfig(), pulumi.getProject());
const { app, access, healthCheck, loadBalancer, rollout, sshKey } = {
  ...settings,
  healthCheck: settings.loadBalancer.healthCheck,
};

const network = cloud.network("network", { ...settings.network, edge: loadBalancer, app, access });
const bucket = cloud.bucket("files", settings.bucket);
const release = new Release("release", { bucket, build: await buildRelease() });
const admin = new AdminToken("admin");

const backends = settings.clusters.map(({ name, path, weight, ...machines }) => {
  const environment: pulumi.Output<AppEnvironment> = admin.sha256.apply((sha256) => ({
    PROJECT: settings.project,
    CLUSTER: name,
    CLUSTER_PATH: path ?? "",
    ROOT: app.root,
    PORT: app.port,
    DRAIN_SECONDS: rollout.drainSeconds,
    PUBLIC: app.public,
    ADMIN_TOKEN_SHA256: sha256,
  }));
  const cluster = cloud.cluster(name, {
    ...machines,
    network,
    bucket,
    release,
    environment,
    port: app.port,
    healthCheck,
    rollout,
    sshKey,
  });
  return { name, path, weight, cluster };
});

const balancer = cloud.loadBalancer("edge", { network, port: loadBalancer.port, healthCheck, backends });

const ready = new Readiness(
  "ready",
  {
    url: balancer.url,
    healthPath: healthCheck.path,
    release: release.sha256,
    clusters: backends.map(({ name, path, cluster }) => ({ name, path, machines: cluster.size })),
    timeoutSeconds: rollout.timeoutSeconds,
  },
  { dependsOn: balancer },
);

export const url = ready.url;
export const bucketName = bucket.bucketName;
export const adminToken = admin.token;
export const clusters = Object.fromEntries(
  backends.map(({ name, path, cluster }) => [
    name,
    { size: cluster.size, machineType: cluster.machineType, path },
  ]),
);
const { sha256 } = release;

export { sha256 as release };
