import * as pulumi from "@pulumi/pulumi";
import type { ClusterArgs } from "../../components/cluster.ts";
import type { OpenstackBucket } from "./bucket.ts";
import type { Control, OpenstackCluster } from "./cluster.ts";
import { type OpenstackContext, tagsOf } from "./context.ts";
import type { OpenstackLoadBalancer } from "./load-balancer.ts";
import type { OpenstackNetwork } from "./network.ts";
import { Sweep } from "./resources.ts";
import { packTemplate, withPools } from "./template.ts";

/** What a controller's machines need to know, and what is made before it. */
interface Controlled {
  readonly own: readonly OpenstackCluster[];
  readonly peaks: readonly OpenstackCluster[];
  /** The app's. */
  readonly balancer: OpenstackLoadBalancer;
}

/** What the controller is told, and what removes its machines once it is gone. */
export function controlOf(
  name: string,
  { network, port, healthCheck, rollout }: ClusterArgs<OpenstackNetwork, OpenstackBucket, OpenstackCluster>,
  { own, peaks, balancer }: Controlled,
  context: OpenstackContext,
): Control {
  const { authUrl, region, project } = context;
  const clusters = own.map(({ clusterName }) => clusterName);
  const shares = clusters.flatMap((cluster) => balancer.sharesOf(cluster));
  const pools = pulumi.all(shares.map(({ pool }) => pool)).apply((ids) => [...new Set(ids)]);
  const groups = peaks.flatMap(({ peak, joinedName }) =>
    peak ? [withPools(peak, balancer.sharesOf(joinedName ?? ""))] : [],
  );
  const place = { network: network.networkId, project, pools };
  const template = packTemplate({
    ...place,
    securityGroup: network.appGroupId,
    tags: tagsOf(context),
    port,
    healthPath: healthCheck.path,
    drainSeconds: rollout.drainSeconds,
    bootSeconds: Math.max(...own.map(({ rolloutSeconds }) => rolloutSeconds)),
    controller: name,
    clusters,
    groups: pulumi.all(groups),
  });
  const outlives = new Sweep(
    "extra-machines",
    { authUrl, region, ...place },
    { dependsOn: [...network.reachability, balancer] },
  );
  return { template, outlives };
}
