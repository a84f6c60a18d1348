import type { HealthCheck, RolloutSettings, ScaleSettings } from "../../../config/settings.ts";

/** A network: where machines get their addresses from, and its way in. */
export interface NetworkSpec {
  readonly cidr: string;
  readonly subnets: readonly string[];
  /** Where the load balancer listens, and who may reach it. */
  readonly edge: Edge;
  /** Where the controller's listens. Absent: there is none. */
  readonly controller?: Edge;
}

export interface Edge {
  readonly address: string;
  readonly port: number;
  readonly allow: readonly string[];
}

export interface BucketSpec {
  /** Whether deleting the bucket may delete what is in it. */
  readonly empty: boolean;
}

/** What machines can be booted from: what a machine had on its disk. */
export interface ImageSpec {
  /** The machine that it was made of, its cluster, and the hex SHA-256 of its release. */
  readonly machine: string;
  readonly cluster: string;
  readonly release: string;
  /** Whether it is but the source of clones, and goes with the last of them. */
  readonly isSnapshot: boolean;
  readonly createdAt: string;
}

export interface GroupSpec {
  /** The cluster's name; machines are listed by it. */
  readonly name: string;
  readonly bucket: string;
  /** The subnets that machines are spread over, in CIDR notation, all of them in the network. */
  readonly subnets: readonly string[];
  readonly machineType: string;
  /** Hex SHA-256 of the build that the startup script fetches. */
  readonly release: string;
  readonly startupScript: string;
  /** What its machines are replaced for, in one word: previews name it among what changes. */
  readonly revision?: string;
  readonly port: number;
  readonly min: number;
  readonly max: number;
  /** Absent: what the group has, within min and max; `min` for a new one. */
  readonly desired?: number;
  /** By which its size follows its load. Absent: it does not. */
  readonly scale?: ScaleSettings;
  readonly healthCheck: HealthCheck;
  readonly rollout: RolloutSettings;
  /** The image that its machines boot. Absent: none; what they run is fetched. */
  readonly image?: string;
  /** The machine that its one machine is a clone of: no deployment knows of it, and it goes with its network. */
  readonly cloneOf?: string;
  /** The groups of which its machines set the size: it is a controller. Absent: it is none. */
  readonly controls?: readonly string[];
}

export interface BackendSpec {
  readonly name: string;
  /** The groups whose machines it has: a cluster's own, and those that join it for a while. */
  readonly groups: readonly string[];
  readonly path?: string;
  readonly weight: number;
}

export interface LoadBalancerSpec extends Edge {
  readonly healthCheck: HealthCheck;
  /** In the order in which paths are tried. */
  readonly backends: readonly BackendSpec[];
}

/** Everything the local cloud can be asked to keep, by the collection it is kept in. */
export interface Specs {
  readonly networks: NetworkSpec;
  readonly buckets: BucketSpec;
  readonly images: ImageSpec;
  readonly groups: GroupSpec;
  readonly loadBalancers: LoadBalancerSpec;
}
export type Collection = keyof Specs;
export const collections = [
  "networks",
  "buckets",
  "images",
  "groups",
  "loadBalancers",
] as const satisfies readonly Collection[];

/** A machine's way through life; a machine that is replaced goes from `running` to `draining` to nothing. */
export type MachineState = "starting" | "running" | "unhealthy" | "draining";

/** One machine, as the control plane shows it. */
export interface MachineInfo {
  readonly id: string;
  readonly group: string;
  readonly cluster: string;
  readonly address: string;
  readonly port: number;
  readonly machineType: string;
  readonly state: MachineState;
  readonly pid: number;
  readonly launchedAt: string;
  /** Content hash of the startup script and the machine type that it was started with. */
  readonly revision: string;
  readonly release: string;
  /** How many machines before it were lost and replaced, one by the other. */
  readonly restarts: number;
}

/** Where a group is between what was asked for and what runs. */
export interface GroupStatus {
  readonly desired: number;
  /** Machines of the current revision that are healthy. */
  readonly ready: number;
  /** Machines of earlier revisions that still run. */
  readonly outdated: number;
  /** Why the rollout of the current revision has stopped, with the failing machine's last log lines. */
  readonly failure?: string;
}
