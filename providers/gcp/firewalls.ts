import type { CustomResourceOptions, Input, Resource } from "@pulumi/pulumi";
import type { NetworkArgs } from "../../components/network.ts";
import { type GcpContext, logicalName, nameOf } from "./context.ts";
import { iapRange, proxyRanges } from "./ranges.ts";
import { Firewall } from "./resources.ts";

/** The network tag of all machines, which the rules are for. The network is the stack's own, and so are its tags. */
export const machineTag = "app";

/**
 * The firewall of the machines, a rule for each purpose: what the configuration opens, and no more. Nothing else passes,
 * since a network of Google's lets in nothing by itself, and everything out.
 */
export function makeFirewall(
  args: NetworkArgs,
  network: Input<string>,
  context: GcpContext,
  opts: CustomResourceOptions,
): Resource[] {
  const allow = (
    name: string,
    description: string,
    port: number,
    sourceRanges: readonly string[],
    given?: string,
  ) =>
    new Firewall(
      logicalName(name, given),
      {
        network,
        ...(given && { name: given }),
        description,
        direction: "INGRESS",
        allows: [{ protocol: "tcp", ports: [String(port)] }],
        sourceRanges: [...sourceRanges],
        targetTags: [machineTag],
      },
      { ...opts, ...(given && { deleteBeforeReplace: true }) },
    );
  const access = Map.groupBy(args.access, ({ port }) => port);
  return [
    allow("app-from-google", "Health checks, and the load balancer's proxies", args.app.port, proxyRanges),
    allow("ssh-from-iap", "SSH through Identity-Aware Proxy", 22, [iapRange]),
    ...[...access].map(([port, same]) => {
      const ranges = [...new Set(same.flatMap(({ from }) => from))];
      const given = nameOf(context, `access-${port}`);
      return allow(`access-${port}`, "As switchyard:access says", port, ranges, given);
    }),
  ];
}
