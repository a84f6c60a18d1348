import type { ComponentResourceOptions } from "@pulumi/pulumi";
import type { Settings } from "../config/settings.ts";
import type { Inputs, OperatorOutputs } from "../operations/outputs.ts";
import type { Bucket, BucketArgs } from "./bucket.ts";
import type { Budget, BudgetArgs } from "./budget.ts";
import type { Cluster, ClusterArgs } from "./cluster.ts";
import type { LoadBalancer, LoadBalancerArgs } from "./load-balancer.ts";
import type { Network, NetworkArgs } from "./network.ts";

/** What every resource of a deployment shares: how it is named and tagged. */
export type Labels = Pick<Settings, "project" | "names" | "tags">;

/**
 * One cloud, as the program sees it: how it makes each component. The type parameters let a cloud's cluster
 * rely on its own network and bucket (a VPC's id, a bucket's policy) without the program knowing them.
 */
export interface Cloud<N extends Network = Network, B extends Bucket = Bucket, C extends Cluster = Cluster> {
  /** What `machines`, `logs` and `files` need to reach a deployed stack; absent: nothing. */
  readonly operator?: Inputs<OperatorOutputs>;
  /** How many controllers there are (`CloudRules`). Default 1. */
  readonly controllers?: number;
  network(name: string, args: NetworkArgs, opts?: ComponentResourceOptions): N;
  bucket(name: string, args: BucketArgs, opts?: ComponentResourceOptions): B;
  /** Absent: the rules refuse `switchyard:budget`. */
  budget?(name: string, args: BudgetArgs<B>, opts?: ComponentResourceOptions): Budget;
  cluster(name: string, args: ClusterArgs<N, B, C>, opts?: ComponentResourceOptions): C;
  loadBalancer(name: string, args: LoadBalancerArgs<N, C>, opts?: ComponentResourceOptions): LoadBalancer;
}
