import * as pulumi from "@pulumi/pulumi";

/** How many machines of a cluster must answer, and where it can be asked for. */
export interface ReadinessCluster {
  readonly name: string;
  /** Absent: its machines answer for what matches no cluster's path. */
  readonly path?: string | undefined;
  readonly machines: number;
  /** The revision that they must carry. */
  readonly revision: pulumi.Input<string>;
  /** Revisions of machines that have joined it, of which any number may answer. Default: none. */
  readonly joined?: readonly pulumi.Input<string>[];
  /** Whether machines of another revision may answer, too, because they go only after this. Default false. */
  readonly othersMayAnswer?: boolean;
}

export interface ReadinessArgs {
  /** The load balancer's. */
  readonly url: pulumi.Input<string>;
  /** Where to connect, wherever the URL's own name leads to: its DNS record can only be made once this is known. */
  readonly address: pulumi.Input<string>;
  /** Where any cluster answers without doing work. */
  readonly healthPath: string;
  readonly clusters: readonly ReadinessCluster[];
  /** How long all of it may take, in seconds. */
  readonly timeoutSeconds: number;
}

/**
 * The end of a deployment: asks the load balancer until, of every cluster, as many distinct machines as expected have
 * answered with its revision, and none with another one. On time-out the deployment fails and says what is missing.
 */
export class Readiness extends pulumi.CustomResource {
  /** The URL again, once everything behind it answers. */
  declare readonly url: pulumi.Output<string>;

  constructor(name: string, args: ReadinessArgs, opts?: pulumi.CustomResourceOptions) {
    super("switchyard:index:Readiness", name, { ...args }, opts);
  }
}
