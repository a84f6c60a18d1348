import * as pulumi from "@pulumi/pulumi";
import type { BackendSpec, BucketSpec, GroupSpec, LoadBalancerSpec, NetworkSpec } from "./cloud/specs.ts";

/** A property bag whose values may still be on their way, as resource constructors take it. */
type Inputs<T> = { readonly [K in keyof T]: pulumi.Input<T[K]> };

/** What a part of a local cloud takes besides its specification: the cloud that it is part of. */
interface PartArgs {
  /** The id of the `Cloud`. */
  readonly cloud: pulumi.Input<string>;
}

/** The local cloud of a stack. Its id names the folder that holds it, whatever the stack is called later. */
export class Cloud extends pulumi.CustomResource {
  constructor(name: string, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:Cloud", name, {}, opts);
  }
}

/** Addresses for machines, and who may reach the load balancer. */
export class Network extends pulumi.CustomResource {
  constructor(name: string, args: NetworkSpec & PartArgs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:Network", name, { ...args }, opts);
  }
}

/** A folder of objects behind the control plane. Its id is its name. */
export class Bucket extends pulumi.CustomResource {
  constructor(name: string, args: BucketSpec & PartArgs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:Bucket", name, { ...args }, opts);
  }
}

/** Machines that are kept at their number, healthy, and on the newest startup script. */
export class MachineGroup extends pulumi.CustomResource {
  declare readonly machineType: pulumi.Output<string>;

  constructor(name: string, args: Inputs<GroupSpec> & PartArgs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:MachineGroup", name, { ...args }, opts);
  }
}

export interface LoadBalancerArgs extends Omit<LoadBalancerSpec, "backends">, PartArgs {
  readonly backends: readonly (Omit<Inputs<BackendSpec>, "groups"> & {
    readonly groups: readonly pulumi.Input<string>[];
  })[];
}

/** One listener on a loopback address in front of the groups. */
export class LoadBalancer extends pulumi.CustomResource {
  declare readonly url: pulumi.Output<string>;

  constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:local:LoadBalancer", name, { ...args, url: undefined }, opts);
  }
}
