import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Cluster, type ClusterArgs } from "../../components/cluster.ts";
import type { LocalBucket } from "./bucket.ts";
import { hostPlatform, machineTypeOf, machineTypes } from "./machine-types.ts";
import type { LocalNetwork } from "./network.ts";
import * as local from "./resources.ts";

const functions = readFileSync(join(import.meta.dirname, "startup.sh"), "utf8");

/** A group of processes, each on a loopback address of its own. */
export class LocalCluster extends Cluster {
  readonly machineType: pulumi.Output<string>;
  readonly groupId: pulumi.Output<string>;
  readonly revision: pulumi.Output<string>;
  readonly group: local.MachineGroup;

  constructor(
    name: string,
    args: ClusterArgs<LocalNetwork, LocalBucket, LocalCluster>,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(name, args, opts);
    const machineType = machineTypeOf(args);
    const cloud = {
      functions,
      settings: { MAX_OLD_SPACE_MB: machineTypes[machineType]?.maxOldSpaceMb ?? 0 },
      // The load balancer is a process here, and appends one address to X-Forwarded-For.
      environment: {
        TRUSTED_PROXIES: "127.0.0.0/8",
        STORE: "local",
        BUCKET: args.bucket.bucketName,
        ...(args.controls && { COMPUTE: "local" }),
      },
    };
    const image = args.imageId === undefined ? {} : { image: args.imageId };
    const startup = this.startup(args, hostPlatform(), cloud, { machineType, ...image });
    this.revision = startup.revision;
    this.group = new local.MachineGroup(
      name,
      {
        cloud: args.network.cloud,
        name,
        bucket: args.bucket.bucketName,
        subnets: args.subnets.flatMap((index) => args.network.subnets[index] ?? []),
        machineType,
        release: args.release.sha256,
        ...image,
        startupScript: startup.script,
        revision: startup.revision,
        port: args.port,
        min: args.min,
        max: args.max,
        ...(args.desired === undefined ? {} : { desired: args.desired }),
        ...(args.scale && { scale: args.scale }),
        ...(args.controls && { controls: pulumi.all([...args.controls]) }),
        healthCheck: args.healthCheck,
        rollout: args.rollout,
      },
      { parent: this, dependsOn: args.network.network },
    );
    this.machineType = this.group.machineType;
    this.groupId = this.group.id;
    this.registerOutputs({ machineType: this.machineType });
  }
}
