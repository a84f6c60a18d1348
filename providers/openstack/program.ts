import type { Cloud } from "../../components/cloud.ts";
import type { Settings } from "../../config/settings.ts";
import type { MachineAccess, OpenstackBucket } from "./bucket.ts";
import { OpenstackCluster } from "./cluster.ts";
import { nameOf, openContext } from "./context.ts";
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
  let shared: { readonly access: MachineAccess; readonly flavors: Flavors } | undefined;
  return {
    get operator() {
      const made = balancer && { project: balancer.projectId, loadBalancer: balancer.balancerId };
      return { authUrl, region, ...made, ...(s3 && { s3Endpoint: s3.endpoint, s3Region: s3.region }) };
    },
    network: (name, args, opts) => {
      const { protect } = settings.bucket;
      const subnets = args.subnets.map(({ cidr }) => ({ cidr }));
      const bucket = nameOf(context, "bucket");
      const store = s3?.endpoint ?? "swift";
      new Layout("layout", { authUrl, region, subnets, protect, store, ...(bucket && { bucket }) });
      return new OpenstackNetwork(name, args, context, opts);
    },
    bucket: (name, args, opts) => new (s3 ? OpenstackS3 : SwiftBucket)(name, args, context, opts),
    cluster: (name, args, opts) => {
      shared ??= {
        access: args.bucket.machineAccess(),
        flavors: new Flavors(context),
      };
      const { access, flavors } = shared;
      return new OpenstackCluster(name, args, access, flavors, context, opts);
    },
    loadBalancer: (name, args, opts) => {
      balancer = new OpenstackLoadBalancer(name, args, context, opts);
      return balancer;
    },
  };
}
