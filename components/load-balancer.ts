import * as pulumi from "@pulumi/pulumi";
import type { LoadBalancerSettings } from "../config/settings.ts";
import type { Cluster } from "./cluster.ts";
import type { Network } from "./network.ts";

/** A cluster behind the load balancer, in the order in which paths are tried. */
export interface Backend<C extends Cluster = Cluster> {
  readonly name: string;
  readonly cluster: C;
  /** Clusters that have joined it, and take its requests as well. Default: none. */
  readonly joined?: readonly C[];
  /** Takes `path` and `path/…`, nothing else. */
  readonly path?: string | undefined;
  /** Share of what matches no path. */
  readonly weight: number;
}

export interface LoadBalancerArgs<N extends Network = Network, C extends Cluster = Cluster>
  extends LoadBalancerSettings {
  readonly network: N;
  /** Whose requests it takes: the app's, or the controller's, for which its firewall and parts are others. */
  readonly purpose: "app" | "controller";
  readonly backends: readonly Backend<C>[];
}

/** One listener in front of the clusters: path rules in order, then a split by weight, to healthy machines only. */
export abstract class LoadBalancer extends pulumi.ComponentResource {
  /** Where the app answers, without a slash at its end. */
  abstract readonly url: pulumi.Output<string>;
  /** The cloud's own name of it, or its IP address: where a name of one's own must lead. */
  abstract readonly address: pulumi.Output<string>;

  protected constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    // For who reads a plan or a preview, in which each cloud's own rules are hard to read.
    const { port, allow, backends } = args;
    super("switchyard:index:LoadBalancer", name, { port, allow, routes: routesOf(backends) }, opts);
  }
}

/** What begins the names of a load balancer's parts, where several of a stack would have the same. */
export function partPrefix({ purpose }: Pick<LoadBalancerArgs, "purpose">): string {
  return purpose === "app" ? "" : `${purpose}-`;
}

/** Who gets which requests, a sentence for each path and one for all others. */
export function routesOf(backends: readonly Pick<Backend, "name" | "path" | "weight">[]): readonly string[] {
  const paths = backends.flatMap(({ name, path }) => (path === undefined ? [] : [`${path} → ${name}`]));
  const weighed = backends.filter(({ weight }) => weight > 0);
  const shares = weighed.map(({ name, weight }) =>
    weighed.length === 1 ? name : `${name} (weight ${weight})`,
  );
  return [...paths, `everything else → ${shares.join(", ") || "404"}`];
}
