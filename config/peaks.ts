import { clusterImage } from "../service/schedules/schedule.ts";
import {
  type ClusterSettings,
  type ControllerSettings,
  type Draft,
  type Report,
  type Settings,
  type Size,
  sizes,
} from "./settings.ts";

/** What the controller's own cluster is called. */
export const controllerName = "controller";

/** One group of extra machines of a cluster. */
export interface PeakSettings {
  /** Its own among all clusters and groups. */
  readonly name: string;
  readonly cluster: string;
  /** What schedules call its machine type and image. */
  readonly flavor: string;
  readonly image: string;
  readonly size: Size;
  readonly machineType?: string;
  /** The cloud's own image; absent: what the cluster's own machines boot. */
  readonly imageId?: string;
}

type Cluster = Pick<ClusterSettings, "name">;
type Controller = Pick<ControllerSettings, "flavors" | "images">;

/** What a group is called. @param image what schedules call its image; absent: it is the cluster's */
export function peakNameOf(cluster: string, flavor: string, image?: string): string {
  return [cluster, flavor, ...(image === undefined ? [] : [image])].join("-");
}

/** The groups of a cluster: one for each flavor and image that schedules may name. */
export function peaksOf(cluster: Cluster, { flavors, images }: Controller): PeakSettings[] {
  const allImages: [string, string | undefined][] = [[clusterImage, undefined], ...Object.entries(images)];
  return Object.entries(flavors).flatMap(([flavor, type]) =>
    allImages.map(([image, imageId]) => ({
      name: peakNameOf(cluster.name, flavor, imageId === undefined ? undefined : image),
      cluster: cluster.name,
      flavor,
      image,
      ...machineOf(type),
      ...(imageId !== undefined && { imageId }),
    })),
  );
}

/** A flavor's size, or the cloud's own machine type. */
export function machineOf(flavor: string): { readonly size: Size; readonly machineType?: string } {
  const size = sizes.find((known) => known === flavor);
  return size ? { size } : { size: "small", machineType: flavor };
}

/** Whatever asks for a machine of a size or type, and the key that does: clusters, the controller, flavors. */
export function machineKeys({
  clusters = [],
  controller,
}: Draft<Settings>): { readonly key: string; readonly size: Size; readonly machineType?: string }[] {
  const flavors = Object.entries(controller?.flavors ?? {});
  const sized = ({ size = "small", machineType }: Draft<Pick<ClusterSettings, "size" | "machineType">>) => ({
    size,
    ...(machineType !== undefined && { machineType }),
  });
  return [
    ...clusters.map((cluster, index) => ({ key: `clusters[${index}].machineType`, ...sized(cluster) })),
    ...(controller ? [{ key: "controller.machineType", ...sized(controller) }] : []),
    ...flavors.flatMap(([flavor, type]) =>
      type === undefined ? [] : [{ key: `controller.flavors.${flavor}`, ...machineOf(type) }],
    ),
  ];
}

/** Reports what is wrong between the controller and the rest. */
export function checkController(settings: Draft<Settings>, report: Report): void {
  const { controller, clusters = [], loadBalancer } = settings;
  if (!controller) return;
  const { port, allow, flavors = {}, images = {}, maxMachines } = controller;
  if (!allow) {
    const remedy = 'say who may reach the controller, whoever deploys among them, such as ["203.0.113.7/32"]';
    report("controller.allow", allow, remedy);
  }
  if (port !== undefined && port === loadBalancer?.port)
    report("controller.port", port, "the load balancer has that port; choose another");
  if (Object.keys(flavors).length === 0) {
    const remedy = "name at least one, or leave the key out and there are standard and large";
    report("controller.flavors", flavors, remedy);
  }
  if (Object.hasOwn(images, clusterImage)) {
    const remedy = "that is what schedules call the image of the cluster's own machines; choose another name";
    report(`controller.images.${clusterImage}`, images[clusterImage], remedy);
  }
  checkNames(settings, report);
  checkSchedules(controller, clusters, maxMachines, report);
}

function checkNames({ controller, clusters = [] }: Draft<Settings>, report: Report): void {
  const seen = new Map([[controllerName, "the controller's own"]]);
  for (const [index, { name }] of clusters.entries()) {
    if (name === controllerName)
      report(`clusters[${index}].name`, name, "the controller has that name; choose another");
    else if (name !== undefined) seen.set(name, `clusters[${index}]`);
  }
  const { flavors = {}, images = {} } = controller as Controller;
  for (const cluster of clusters) {
    if (cluster.name === undefined) continue;
    for (const { name, flavor } of peaksOf({ name: cluster.name }, { flavors, images })) {
      const other = seen.get(name);
      const remedy = `its machines of ${cluster.name} would be called ${name}, as is ${other}: choose another name`;
      if (other) report(`controller.flavors.${flavor}`, flavors[flavor], remedy);
      seen.set(name, `flavor ${flavor} of ${cluster.name}`);
    }
  }
}

function checkSchedules(
  { schedules = [], flavors = {}, images = {} }: Draft<ControllerSettings>,
  clusters: Draft<Settings["clusters"]>,
  maxMachines: number | undefined,
  report: Report,
): void {
  const known = (names: readonly (string | undefined)[]) =>
    `there is none of that name; there are: ${names.join(", ")}`;
  const clusterNames = clusters.map(({ name }) => name);
  for (const [index, schedule] of schedules.entries()) {
    const { name, cluster, flavor, image = clusterImage, machines } = schedule;
    const key = `controller.schedules[${index}]`;
    const twin = schedules.findIndex((other, at) => at < index && name !== undefined && other.name === name);
    if (twin >= 0) report(`${key}.name`, name, `schedules[${twin}] has that name; each needs its own`);
    if (cluster !== undefined && !clusterNames.includes(cluster))
      report(`${key}.cluster`, cluster, known(clusterNames));
    if (flavor !== undefined && !Object.hasOwn(flavors, flavor))
      report(`${key}.flavor`, flavor, known(Object.keys(flavors)));
    if (image !== clusterImage && !Object.hasOwn(images, image))
      report(`${key}.image`, image, known([clusterImage, ...Object.keys(images)]));
    if (machines !== undefined && maxMachines !== undefined && machines > maxMachines)
      report(
        `${key}.machines`,
        machines,
        `it must be at most controller.maxMachines, which is ${maxMachines}`,
      );
  }
}

/** Reports schedules that ask for machines at no time, or at times that cannot be. What tells is loaded for a stack that has some alone. */
export async function checkTimes({ controller }: Draft<Settings>, report: Report): Promise<void> {
  const { schedules = [] } = controller ?? {};
  if (schedules.length === 0) return;
  const { scheduleProblems } = await import("../service/schedules/validate.ts");
  for (const [index, schedule] of schedules.entries()) {
    const isWhole = Object.values(schedule).every((value) => value !== undefined);
    for (const problem of isWhole ? scheduleProblems(schedule) : [])
      report(`controller.schedules[${index}]`, schedule, problem);
  }
}
