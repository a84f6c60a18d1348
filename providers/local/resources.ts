import * as pulumi from "@pulumi/pulumi";
import type { ObjectContent } from "../../components/bucket.ts";
import type { BackendSpec, BucketSpec, GroupSpec, LoadBalancerSpec, NetworkSpec } from "./cloud/specs.ts";

/** A property bag whose values may still be on their way, as resource constructors take it. */
type Inputs<T> = { readonly [K in keyof T]: pulumi.Input<T[K]> };

/** Addresses for machines, and who may reach the load balancer. */
export class Network extends pulumi.CustomResource {
  constructor(name: string, args: NetworkSpec, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:Network", name, { ...args }, opts);
  }
}

/** A folder of objects behind the control plane. Its id is its name. */
export class Bucket extends pulumi.CustomResource {
  constructor(name: string, args: BucketSpec, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:Bucket", name, { ...args }, opts);
  }
}

export interface ObjectArgs {
  readonly bucket: pulumi.Input<string>;
  readonly key: string;
  readonly content: ObjectContent;
}

/** An object that the deployment itself puts into a bucket. */
export class BucketObject extends pulumi.CustomResource {
  declare readonly key: pulumi.Output<string>;

  constructor(name: string, args: ObjectArgs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:BucketObject", name, { ...args }, opts);
  }
}

/** Machines that are kept at their number, healthy, and on the newest startup script. */
export class MachineGroup extends pulumi.CustomResource {
  declare readonly machineType: pulumi.Output<string>;

  constructor(name: string, args: Inputs<GroupSpec>, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:MachineGroup", name, { ...args }, opts);
  }
}

export interface LoadBalancerArgs extends Omit<LoadBalancerSpec, "backends"> {
  readonly backends: readonly Inputs<BackendSpec>[];
}

/** One listener on a loopback address in front of the groups. */
export class LoadBalancer extends pulumi.CustomResource {
  declare readonly url: pulumi.Output<string>;

  constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:LoadBalancer", name, { ...args, url: undefined }, opts);
  }
}
