import type { Cloud } from "../../components/cloud.ts";
import type { Settings } from "../../config/settings.ts";
import { LocalBucket } from "./bucket.ts";
import { LocalCluster } from "./cluster.ts";
import { LocalLoadBalancer } from "./load-balancer.ts";
import { LocalNetwork } from "./network.ts";
import * as local from "./resources.ts";

/** A small cloud on this machine: nothing in it carries names or tags of its own. */
export function createCloud(listeners: Settings): Cloud<LocalNetwork, LocalBucket, LocalCluster> {
  const { id: cloud } = new local.Cloud("cloud");
  return {
    operator: { cloud },
    network: (name, args, opts) => new LocalNetwork(name, { ...args, cloud, listeners }, opts),
    bucket: (name, args, opts) => new LocalBucket(name, { ...args, cloud }, opts),
    cluster: (name, args, opts) => new LocalCluster(name, args, opts),
    loadBalancer: (name, args, opts) => new LocalLoadBalancer(name, args, opts),
  };
}
