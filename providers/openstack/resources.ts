import * as pulumi from "@pulumi/pulumi";
import type { ContentsInputs } from "./contents.ts";
import type { LayoutInputs } from "./layout.ts";
import type { S3BucketInputs } from "./s3-bucket.ts";
import type { SweepInputs } from "./sweep.ts";

// Each from a file of its own: an index of the SDK's would load all others.
export { Flavor } from "@pulumi/openstack/compute/flavor.js";
export { Instance, type InstanceArgs } from "@pulumi/openstack/compute/instance.js";
export { Keypair } from "@pulumi/openstack/compute/keypair.js";
export { ServerGroup } from "@pulumi/openstack/compute/serverGroup.js";
export { ApplicationCredential } from "@pulumi/openstack/identity/applicationCredential.js";
export { Ec2CredentialV3 } from "@pulumi/openstack/identity/ec2CredentialV3.js";
export { L7PolicyV2 } from "@pulumi/openstack/loadbalancer/l7policyV2.js";
export { L7RuleV2 } from "@pulumi/openstack/loadbalancer/l7ruleV2.js";
export { Listener, type ListenerArgs } from "@pulumi/openstack/loadbalancer/listener.js";
export { LoadBalancer } from "@pulumi/openstack/loadbalancer/loadBalancer.js";
export { Member } from "@pulumi/openstack/loadbalancer/member.js";
export { Monitor } from "@pulumi/openstack/loadbalancer/monitor.js";
export { Pool } from "@pulumi/openstack/loadbalancer/pool.js";
export { FloatingIp } from "@pulumi/openstack/networking/floatingIp.js";
export { Network } from "@pulumi/openstack/networking/network.js";
export { Port } from "@pulumi/openstack/networking/port.js";
export { Router } from "@pulumi/openstack/networking/router.js";
export { RouterInterface } from "@pulumi/openstack/networking/routerInterface.js";
export { SecGroup } from "@pulumi/openstack/networking/secGroup.js";
export { SecGroupRule } from "@pulumi/openstack/networking/secGroupRule.js";
export { Subnet } from "@pulumi/openstack/networking/subnet.js";
export { Container, type ContainerArgs } from "@pulumi/openstack/objectstorage/container.js";

/** Values of which each may not be known yet. */
export type Inputs<T> = { readonly [K in keyof T]: pulumi.Input<T[K]> };

/** What cannot always be changed in one step; a change that cannot work is refused by the plugin. */
export class Layout extends pulumi.CustomResource {
  constructor(name: string, args: LayoutInputs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:openstack:Layout", name, { ...args }, opts);
  }
}

/** What is in a container, of which it is the name to whoever uses it: it goes after them, and before the container. */
export class Contents extends pulumi.CustomResource {
  declare readonly container: pulumi.Output<string>;

  constructor(name: string, args: Inputs<ContentsInputs>, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:openstack:Contents", name, { ...args }, opts);
  }
}

/** What removes extra machines, once it is deleted itself. */
export class Sweep extends pulumi.CustomResource {
  constructor(name: string, args: Inputs<SweepInputs>, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:openstack:Sweep", name, { ...args }, opts);
  }
}

/** A bucket of a service that speaks S3. */
export class S3Bucket extends pulumi.CustomResource {
  declare readonly bucket: pulumi.Output<string>;

  constructor(name: string, args: Inputs<S3BucketInputs>, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:openstack:S3Bucket", name, { ...args }, opts);
  }
}
