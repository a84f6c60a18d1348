import { existsSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { AdminToken } from "./components/admin-token.ts";
import type { Cluster } from "./components/cluster.ts";
import { makeController, makePeaks } from "./components/controller.ts";
import { Readiness } from "./components/readiness.ts";
import { type MachineRelease, Release } from "./components/release.ts";
import { controllerName } from "./config/peaks.ts";
import { metricsPort } from "./config/settings.ts";
import type { ProgramOutputs } from "./operations/outputs.ts";
import { openCloud } from "./providers/index.ts";
import { buildRelease } from "./release/build.ts";
import type { AppEnvironment } from "./service/settings/environment.ts";
import { type LimitVariables, mapLimits } from "./service/settings/limits.ts";

// The user's own: what there is no key for (docs/transforms.md).
const transforms = join(import.meta.dirname, "transforms.ts");
if (existsSync(transforms)) await import(transforms);

const { cloud, settings } = await openCloud(pulumi.runtime.allConfig(), {
  project: pulumi.getProject(),
  stack: pulumi.getStack(),
});
const { app, access, loadBalancer, rollout, sshKey } = settings;
const { healthCheck } = loadBalancer;

const network = cloud.network("network", { ...settings.network, app, access });
const bucket = cloud.bucket("files", settings.bucket);
if (settings.budget) cloud.budget?.("budget", { ...settings.budget, bucket });
const build = settings.release ?? (await buildRelease());
const release = new Release("release", { bucket, build });
const admin = new AdminToken("admin");

const own = app.environmentIsSecret ? pulumi.secret(app.environment) : app.environment;
const limitVariables = mapLimits("variable", (_, key) => app[key]) as LimitVariables;
const environmentOf = (cluster: string, path = "", more: typeof own = {}) =>
  pulumi.all([admin.sha256, more]).apply(
    ([sha256, more]): AppEnvironment => ({
      ...more,
      PROJECT: settings.project,
      CLUSTER: cluster,
      CLUSTER_PATH: path,
      ROOT: app.root,
      PORT: app.port,
      DRAIN_SECONDS: rollout.drainSeconds,
      PUBLIC: app.public,
      ...limitVariables,
      METRICS_PORT: metricsPort,
      ADMIN_TOKEN_SHA256: sha256,
    }),
  );
const { image: imageId } = settings;
const everywhere = { network, bucket, release, port: app.port, healthCheck, rollout, sshKey, imageId };
const backends = settings.clusters.map(
  ({ name, path, weight, image = imageId, release: id, ...machines }) => {
    const runs = release.kept(id ?? release.sha256);
    const environment = environmentOf(name, path, own);
    const args = { ...everywhere, ...machines, imageId: image, release: runs, environment };
    const cluster = cloud.cluster(name, args);
    const peaks = makePeaks(cloud, settings, cluster, name, args);
    return { name, path, weight, cluster, runs, peaks, joined: peaks.map(({ group }) => group) };
  },
);

const balancer = cloud.loadBalancer("edge", { ...loadBalancer, network, purpose: "app", backends });

const controller = makeController(
  cloud,
  settings,
  backends.flatMap(({ peaks }) => peaks),
  {
    ...everywhere,
    environment: environmentOf(controllerName),
  },
);

const ready = new Readiness(
  "ready",
  {
    url: balancer.url,
    address: balancer.address,
    healthPath: healthCheck.path,
    clusters: backends.map(({ name, path, cluster, joined }) => ({
      name,
      path,
      machines: cluster.size,
      revision: cluster.revision,
      ...(joined.length > 0 && { joined: joined.map(({ revision }) => revision) }),
      ...(cluster.keepsOldMachines && { othersMayAnswer: true }),
    })),
    timeoutSeconds: Math.max(...backends.map(({ cluster }) => cluster.rolloutSeconds)),
  },
  { dependsOn: balancer },
);

function outputsOf({ size, machineType, groupId: group }: Cluster, { sha256 }: MachineRelease = release) {
  return { size, machineType, group, weight: 0, ...(sha256 !== release.sha256 && { release: sha256 }) };
}

/** The stack's outputs, the same on every cloud. */
export default {
  cloud: settings.cloud,
  url: ready.url,
  address: balancer.address,
  bucketName: bucket.bucketName,
  release: release.sha256,
  clusters: Object.fromEntries([
    ...backends.map(({ name, path, weight, cluster, runs }) => [
      name,
      { ...outputsOf(cluster, runs), path, weight },
    ]),
    ...backends.flatMap(({ peaks, runs }) => peaks.map(({ name, group }) => [name, outputsOf(group, runs)])),
    ...(controller ? [[controllerName, outputsOf(controller.cluster)]] : []),
  ]),
  ...(controller && { controllerUrl: controller.url }),
  operator: cloud.operator ?? {},
  adminToken: admin.token,
} satisfies ProgramOutputs;
