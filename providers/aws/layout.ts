import { cidrsOverlap, parseCidr } from "../../config/cidr.ts";
import type { CheckFailure, OperationContext, Properties, ResourceKind } from "../../plugin/resource.ts";

/** What of a deployment cannot always be changed in one step. */
export interface LayoutInputs {
  readonly cidr: string;
  readonly subnets: readonly { readonly cidr: string; readonly zone?: string | undefined }[];
  readonly appPort: number;
  /** The bucket's exact name, when it is given. */
  readonly bucket?: string | undefined;
  /** Whether the bucket is protected. */
  readonly protect: boolean;
}

/**
 * Remembers how a deployment is laid out, and refuses, in previews too, changes that AWS would refuse in the middle of
 * a deployment; one that interrupts the service it lets pass with a warning. It makes nothing.
 */
export const layout: ResourceKind = {
  replaceOn: [],
  async check(news, olds, context) {
    if (!olds) return [];
    const [before, after] = [olds, news] as unknown as [LayoutInputs, LayoutInputs];
    if (before.appPort !== after.appPort) warnOfPort(before.appPort, after.appPort, context);
    return [...movedSubnets(before, after), ...renamedBucket(before, after)];
  },
  async create(_news: Properties, context) {
    return { id: context.name, outputs: {} };
  },
};

/** A range is free only when the subnet that has it is gone, and the engine makes first and deletes last. */
function movedSubnets(before: LayoutInputs, after: LayoutInputs): CheckFailure[] {
  // Another network: everything in it is made anew, beside the old one.
  if (before.cidr !== after.cidr) return [];
  return after.subnets.flatMap(({ cidr, zone }, place) => {
    const range = parseCidr(cidr);
    const other = before.subnets.find((known) => {
      const old = parseCidr(known.cidr);
      return range && old && cidrsOverlap(range, old) && (known.cidr !== cidr || known.zone !== zone);
    });
    if (!other || before.subnets.some((known) => known.cidr === cidr && known.zone === zone)) return [];
    const change =
      other.cidr === cidr
        ? `${cidr} cannot move from ${other.zone} to ${zone}, because a subnet stays in its zone`
        : `${cidr} overlaps ${other.cidr}, a subnet that is there until the deployment's end`;
    const reason = `switchyard:network.subnets[${place}]: ${change}. Give it a range that is free, or deploy twice: without ${other.cidr}, then with ${cidr}.`;
    return [{ property: "subnets", reason }];
  });
}

function renamedBucket(before: LayoutInputs, after: LayoutInputs): CheckFailure[] {
  if (!before.protect || after.bucket === undefined || before.bucket === after.bucket) return [];
  const reason = `switchyard:names.bucket is ${JSON.stringify(after.bucket)}: a bucket cannot be renamed, and the one that is there is protected with its files. Leave the name as it was; or, to begin with an empty bucket, deploy switchyard:bucket.protect as false first.`;
  return [{ property: "bucket", reason }];
}

function warnOfPort(before: number, after: number, context: OperationContext): void {
  context.warn(
    `switchyard:app.port changes from ${before} to ${after}: the load balancer asks for the new port at once, and machines that listen there come only then. Nobody is served until they are healthy, some minutes. To avoid it, deploy a second stack and lead your DNS name there.`,
  );
}
