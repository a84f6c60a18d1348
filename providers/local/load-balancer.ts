import { type ComponentResourceOptions, type Output, output } from "@pulumi/pulumi";
import { LoadBalancer, type LoadBalancerArgs } from "../../components/load-balancer.ts";
import type { LocalCluster } from "./cluster.ts";
import type { LocalNetwork } from "./network.ts";
import { address } from "./openings.ts";
import * as local from "./resources.ts";

/** A reverse proxy in the control plane. */
export class LocalLoadBalancer extends LoadBalancer {
  readonly url: Output<string>;
  readonly address: Output<string>;

  constructor(
    name: string,
    args: LoadBalancerArgs<LocalNetwork, LocalCluster>,
    opts?: ComponentResourceOptions,
  ) {
    super(name, args, opts);
    const balancer = new local.LoadBalancer(
      name,
      {
        cloud: args.network.cloud,
        address,
        port: args.port,
        allow: args.allow,
        healthCheck: args.healthCheck,
        backends: args.backends.map(({ name, cluster, joined = [], path, weight }) => ({
          name,
          groups: [cluster, ...joined].map(({ group }) => group.id),
          ...(path === undefined ? {} : { path }),
          weight,
        })),
      },
      { parent: this, dependsOn: args.network.network },
    );
    this.url = balancer.url;
    this.address = output(address);
    this.registerOutputs({ url: this.url });
  }
}
