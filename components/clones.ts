import * as pulumi from "@pulumi/pulumi";
import type { OperatorOutputs } from "../operations/outputs.ts";

/**
 * What removes machines that `npm run clones` made in a network, before the network goes. It makes nothing itself; the
 * plugin's type of it is each cloud's own (`switchyard:<cloud>:Clones`).
 */
export class Clones extends pulumi.CustomResource {
  /** @param args where the clones are: the mark that they carry, and what reaches the cloud */
  constructor(
    cloud: string,
    args: Readonly<Record<keyof OperatorOutputs, pulumi.Input<string>>>,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(`switchyard:${cloud}:Clones`, "clones", args, opts);
  }
}
