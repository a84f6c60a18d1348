import * as pulumi from "@pulumi/pulumi";
import type { LayoutInputs } from "./layout.ts";
import type { StableGroupInputs } from "./stable-group.ts";

// Each from a file of its own: an index of the SDK's would load hundreds of others.
export { Budget } from "@pulumi/gcp/billing/budget.js";
export { BackendService } from "@pulumi/gcp/compute/backendService.js";
export { Firewall } from "@pulumi/gcp/compute/firewall.js";
export { GlobalAddress } from "@pulumi/gcp/compute/globalAddress.js";
export { GlobalForwardingRule } from "@pulumi/gcp/compute/globalForwardingRule.js";
export { HealthCheck } from "@pulumi/gcp/compute/healthCheck.js";
export { InstanceTemplate } from "@pulumi/gcp/compute/instanceTemplate.js";
export { Network } from "@pulumi/gcp/compute/network.js";
export { RegionAutoscaler } from "@pulumi/gcp/compute/regionAutoscaler.js";
export { RegionInstanceGroupManager } from "@pulumi/gcp/compute/regionInstanceGroupManager.js";
export { Router } from "@pulumi/gcp/compute/router.js";
export { RouterNat } from "@pulumi/gcp/compute/routerNat.js";
export { SecurityPolicy } from "@pulumi/gcp/compute/securityPolicy.js";
export { SSLPolicy } from "@pulumi/gcp/compute/sslpolicy.js";
export { Subnetwork } from "@pulumi/gcp/compute/subnetwork.js";
export { TargetHttpProxy } from "@pulumi/gcp/compute/targetHttpProxy.js";
export { TargetHttpsProxy } from "@pulumi/gcp/compute/targetHttpsProxy.js";
export { URLMap } from "@pulumi/gcp/compute/urlmap.js";
export { NotificationChannel } from "@pulumi/gcp/monitoring/notificationChannel.js";
export { IAMCustomRole } from "@pulumi/gcp/projects/iamcustomRole.js";
export { IAMMember as ProjectIAMMember } from "@pulumi/gcp/projects/iammember.js";
export { Service } from "@pulumi/gcp/projects/service.js";
export { Account } from "@pulumi/gcp/serviceaccount/account.js";
export { IAMMember } from "@pulumi/gcp/serviceaccount/iammember.js";
export { Bucket } from "@pulumi/gcp/storage/bucket.js";
export { BucketIAMMember } from "@pulumi/gcp/storage/bucketIAMMember.js";

/** What cannot always be changed in one step; a change that cannot work is refused by the plugin. */
export class Layout extends pulumi.CustomResource {
  constructor(name: string, args: LayoutInputs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:gcp:Layout", name, { ...args }, opts);
  }
}

export interface StableGroupArgs extends Omit<StableGroupInputs, "group" | "revision"> {
  readonly group: pulumi.Input<string>;
  readonly revision: pulumi.Input<string>;
}

/** A group whose machines are all as it was told last. */
export class StableGroup extends pulumi.CustomResource {
  constructor(name: string, args: StableGroupArgs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:gcp:StableGroup", name, { ...args }, opts);
  }
}
