import type { Cloud } from "../../components/cloud.ts";
import type { Settings } from "../../config/settings.ts";
import { OpenstackBucket } from "./bucket.ts";
import { OpenstackCluster } from "./cluster.ts";
import { nameOf, openContext } from "./context.ts";
import { Flavors } from "./flavors.ts";
import { MachineCredential } from "./identity.ts";
import { OpenstackLoadBalancer } from "./load-balancer.ts";
import { OpenstackNetwork } from "./network.ts";
import { Layout } from "./resources.ts";

/** OpenStack: a Neutron network, Swift's containers, Nova's machines and an Octavia load balancer. */
export function createCloud(settings: Settings): Cloud<OpenstackNetwork, OpenstackBucket, OpenstackCluster> {
  const context = openContext(settings);
  const { authUrl, region } = context;
  let balancer: OpenstackLoadBalancer | undefined;
  let shared: { readonly credential: MachineCredential; readonly flavors: Flavors } | undefined;
  return {
    get operator() {
      const made = balancer && { project: balancer.projectId, loadBalancer: balancer.balancerId };
      return { authUrl, region, ...made };
    },
    network: (name, args, opts) => {
      const { protect } = settings.bucket;
      const subnets = args.subnets.map(({ cidr }) => ({ cidr }));
      const bucket = nameOf(context, "bucket");
      new Layout("layout", { authUrl, region, subnets, protect, ...(bucket && { bucket }) });
      return new OpenstackNetwork(name, args, context, opts);
    },
    bucket: (name, args, opts) => new OpenstackBucket(name, args, context, opts),
    cluster: (name, args, opts) => {
      shared ??= {
        credential: new MachineCredential("machines", args.bucket, context),
        flavors: new Flavors(context),
      };
      const { credential, flavors } = shared;
      return new OpenstackCluster(name, args, credential, flavors, context, opts);
    },
    loadBalancer: (name, args, opts) => {
      balancer = new OpenstackLoadBalancer(name, args, context, opts);
      return balancer;
    },
  };
}
