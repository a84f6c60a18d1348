import * as pulumi from "@pulumi/pulumi";
import { gzipSync } from "fflate";
import type { GroupTemplate, PoolShare, Template } from "../../service/compute/openstack/template.ts";
import type { Inputs } from "./resources.ts";

/** A group of extra machines as it is made, all but the pools that its cluster turns out to be in. */
export type PlannedGroup = pulumi.Output<Omit<GroupTemplate, "pools">>;

/** A group with the pools of its cluster. */
export function withPools(
  group: PlannedGroup,
  shares: readonly { readonly pool: pulumi.Input<string>; readonly weight: number }[],
): pulumi.Output<GroupTemplate> {
  return pulumi.all([group, pulumi.all(shares.map(({ pool }) => pool))]).apply(([known, pools]) => {
    const weighed = pools.map((pool, at): PoolShare => ({ pool, weight: shares[at]?.weight ?? 0 }));
    return { ...known, pools: weighed };
  });
}

/**
 * What the controller is told of the deployment: JSON, gzipped because startup scripts are alike, and in base64. It holds
 * these scripts, and so is a secret.
 */
export function packTemplate(template: Inputs<Template>): pulumi.Output<string> {
  return pulumi.secret(pulumi.all({ ...template })).apply((known) => {
    // The same everywhere, which zlib is not.
    const packed = gzipSync(Buffer.from(JSON.stringify(known)), { mtime: 0, level: 9 });
    return Buffer.from(packed).toString("base64");
  });
}
