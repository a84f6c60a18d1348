import type { Output } from "@pulumi/pulumi";
import { Clones } from "../../components/clones.ts";
import type { Cloud } from "../../components/cloud.ts";
import type { Settings } from "../../config/settings.ts";
import type { MachineAccess, OpenstackBucket } from "./bucket.ts";
import { OpenstackCluster } from "./cluster.ts";
import { rules } from "./config.ts";
import { nameOf, openContext } from "./context.ts";
import { controlOf } from "./control.ts";
import { Flavors } from "./flavors.ts";
import { OpenstackLoadBalancer } from "./load-balancer.ts";
import { OpenstackNetwork } from "./network.ts";
import { Layout } from "./resources.ts";
import { OpenstackS3 } from "./s3.ts";
import { SwiftBucket } from "./swift.ts";

/** OpenStack: a Neutron network, Swift's containers or a bucket of S3's, Nova's machines and an Octavia load balancer. */
export function createCloud(settings: Settings): Cloud<OpenstackNetwork, OpenstackBucket, OpenstackCluster> {
  const context = openContext(settings);
  const { authUrl, region } = context;
  const { s3 } = context.cloud;
  let balancer: OpenstackLoadBalancer | undefined;
  let networkId: Output<string> | undefined;
  const own: OpenstackCluster[] = [];
  const peaks: OpenstackCluster[] = [];
  let shared: { readonly access: MachineAccess; readonly flavors: Flavors } | undefined;
  return {
    get operator() {
      const made = balancer && { project: balancer.projectId, loadBalancer: balancer.balancerId };
      const network = networkId && { network: networkId };
      return {
        authUrl,
        region,
        ...network,
        ...made,
        ...(s3 && { s3Endpoint: s3.endpoint, s3Region: s3.region }),
      };
    },
    network: (name, args, opts) => {
      const { protect } = settings.bucket;
      const subnets = args.subnets.map(({ cidr }) => ({ cidr }));
      const bucket = nameOf(context, "bucket");
      const store = s3?.endpoint ?? "swift";
      new Layout("layout", { authUrl, region, subnets, protect, store, ...(bucket && { bucket }) });
      const network = new OpenstackNetwork(name, args, context, opts);
      networkId = network.networkId;
      new Clones("openstack", { network: networkId, authUrl, region }, { dependsOn: network });
      return network;
    },
    bucket: (name, args, opts) => new (s3 ? OpenstackS3 : SwiftBucket)(name, args, context, opts),
    controllers: rules.controllers,
    cluster: (name, args, opts) => {
      shared ??= {
        access: args.bucket.machineAccess("machines"),
        flavors: new Flavors(context),
      };
      const { access, flavors } = shared;
      if (args.controls && balancer) {
        const control = controlOf(name, args, { own, peaks, balancer }, context);
        const credential = args.bucket.machineAccess("controller");
        return new OpenstackCluster(name, args, credential, flavors, context, control, opts);
      }
      const cluster = new OpenstackCluster(name, args, access, flavors, context, undefined, opts);
      (args.joins ? peaks : own).push(cluster);
      return cluster;
    },
    loadBalancer: (name, args, opts) => {
      const made = new OpenstackLoadBalancer(name, args, context, opts);
      if (args.purpose === "app") balancer = made;
      return made;
    },
  };
}
