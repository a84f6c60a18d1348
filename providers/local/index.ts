import type { Cloud } from "../../components/cloud.ts";
import { LocalBucket } from "./bucket.ts";
import { LocalCluster } from "./cluster.ts";
import { LocalLoadBalancer } from "./load-balancer.ts";
import { LocalNetwork } from "./network.ts";

export { rules } from "./config.ts";

/** A small cloud on this machine: nothing in it carries names or tags of its own. */
export function createCloud(): Cloud<LocalNetwork, LocalBucket, LocalCluster> {
  return {
    name: "local",
    network: (name, args, opts) => new LocalNetwork(name, args, opts),
    bucket: (name, args, opts) => new LocalBucket(name, args, opts),
    cluster: (name, args, opts) => new LocalCluster(name, args, opts),
    loadBalancer: (name, args, opts) => new LocalLoadBalancer(name, args, opts),
  };
}
