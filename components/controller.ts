import * as pulumi from "@pulumi/pulumi";
import { controllerName, type PeakSettings, peaksOf } from "../config/peaks.ts";
import type { Settings } from "../config/settings.ts";
import type { PeakGroup } from "../service/compute/compute.ts";
import type { AppEnvironment, ControllerEnvironment } from "../service/settings/environment.ts";
import type { Cloud } from "./cloud.ts";
import type { Cluster, ClusterArgs } from "./cluster.ts";
import { Readiness } from "./readiness.ts";

/** A group of extra machines, and the cluster that it is. */
export interface Peak extends PeakSettings {
  readonly group: Cluster;
}

/** The groups of extra machines of a cluster, empty until a schedule asks for some; none without a controller. */
export function makePeaks(
  cloud: Cloud,
  { controller }: Pick<Settings, "controller">,
  cluster: Cluster,
  name: string,
  args: ClusterArgs,
): Peak[] {
  if (!controller) return [];
  const { desired: _, machineType: __, scale: ___, ...same } = args;
  return peaksOf({ name }, controller).map((peak) => {
    const { size, machineType, imageId = args.imageId } = peak;
    const limits = { min: 0, max: controller.maxMachines };
    return {
      ...peak,
      group: cloud.cluster(peak.name, { ...same, ...limits, size, machineType, imageId, joins: cluster }),
    };
  });
}

/** The controller's machine, two on some clouds, and where it answers once it does. */
export interface Controller {
  readonly cluster: Cluster;
  readonly url: pulumi.Output<string>;
}

type ControllerArgs = Omit<ClusterArgs, "environment" | "min" | "max" | "size" | "subnets" | "tags"> & {
  readonly environment: pulumi.Output<AppEnvironment>;
};

/**
 * Makes the machine that sets the sizes of these groups by schedule, in the subnets of the first cluster, with a listener of
 * its own; nothing without `switchyard:controller`.
 */
export function makeController(
  cloud: Cloud,
  { controller, clusters, loadBalancer }: Settings,
  peaks: readonly Peak[],
  args: ControllerArgs,
): Controller | undefined {
  if (!controller) return undefined;
  const { size, machineType, maxMachines, flavors: _, images, schedules, ...listener } = controller;
  const groups = pulumi.all(
    peaks.map(({ group, cluster, flavor, image }) =>
      group.groupId.apply((id): PeakGroup => ({ cluster, flavor, image, id })),
    ),
  );
  const types = pulumi.all(Object.fromEntries(peaks.map(({ flavor, group }) => [flavor, group.machineType])));
  const environment = pulumi.all([args.environment, groups, types]).apply(
    ([common, groups, types]): ControllerEnvironment => ({
      ...common,
      ROLE: "controller",
      PEAK_GROUPS: JSON.stringify(groups),
      PEAK_FLAVORS: JSON.stringify(types),
      PEAK_IMAGES: JSON.stringify(images),
      SCHEDULES: JSON.stringify(schedules),
      MAX_MACHINES: maxMachines,
    }),
  );
  const { controllers = 1 } = cloud;
  const cluster = cloud.cluster(controllerName, {
    ...args,
    size,
    machineType,
    min: controllers,
    max: controllers,
    desired: controllers,
    subnets: clusters[0]?.subnets ?? [],
    tags: {},
    environment,
    controls: peaks.map(({ group }) => group.groupId),
  });
  const { accessLogs, protect, healthCheck } = loadBalancer;
  const backend = { name: controllerName, cluster, weight: 1 };
  const balancer = cloud.loadBalancer(controllerName, {
    ...listener,
    accessLogs,
    protect,
    healthCheck,
    network: args.network,
    purpose: "controller",
    backends: [backend],
  });
  const ready = new Readiness(
    "controller-ready",
    {
      url: balancer.url,
      address: balancer.address,
      healthPath: healthCheck.path,
      clusters: [
        {
          name: controllerName,
          machines: cluster.size,
          revision: cluster.revision,
          ...(cluster.keepsOldMachines && { othersMayAnswer: true }),
        },
      ],
      timeoutSeconds: cluster.rolloutSeconds,
    },
    { dependsOn: balancer },
  );
  return { cluster, url: ready.url };
}
