import { cidrsOverlap, parseCidr } from "../../config/cidr.ts";
import type { CheckFailure, Properties, ResourceKind } from "../../plugin/resource.ts";

/** What of a deployment cannot be changed in one step, or at all. */
export interface LayoutInputs {
  /** The Google Cloud project's id. */
  readonly project: string;
  readonly region: string;
  readonly subnets: readonly { readonly cidr: string }[];
  readonly appPort: number;
  /** The bucket's exact name, when it is given. */
  readonly bucket?: string | undefined;
  /** Whether the bucket is protected. */
  readonly protect: boolean;
}

/**
 * Remembers how a deployment is laid out, and refuses, in previews too, changes that Google would refuse in the middle of
 * a deployment, or that would leave nobody served. It makes nothing.
 */
export const layout: ResourceKind = {
  replaceOn: [],
  async check(news, olds) {
    if (!olds) return [];
    const [before, after] = [olds, news] as unknown as [LayoutInputs, LayoutInputs];
    // What else changes follows from these.
    if (before.project !== after.project) return [movedProject(before, after)];
    if (before.region !== after.region) return [movedRegion(before, after)];
    return [
      ...movedPort(before, after),
      ...overlappingSubnets(before, after),
      ...renamedBucket(before, after),
    ];
  },
  async create(_news: Properties, context) {
    return { id: context.name, outputs: {} };
  },
};

function movedProject(before: LayoutInputs, after: LayoutInputs): CheckFailure {
  const reason = `gcp:project is ${after.project}, and the stack is in ${before.project}: nothing can move from one project to another. Deploy a second stack there, and lead your DNS name to it.`;
  return { property: "project", reason };
}

function movedRegion(before: LayoutInputs, after: LayoutInputs): CheckFailure {
  const reason = `switchyard:network.subnets are in ${after.region}, and the stack is in ${before.region}: neither bucket nor subnets can move. Deploy a second stack there, and lead your DNS name to it.`;
  return { property: "region", reason };
}

/** Health check and load balancer go by one port for all machines of a group, old and new. */
function movedPort(before: LayoutInputs, after: LayoutInputs): CheckFailure[] {
  if (before.appPort === after.appPort) return [];
  const reason = `switchyard:app.port changes from ${before.appPort} to ${after.appPort}: the load balancer and auto-healing would ask for the new port at once, where no machine listens yet, and nobody would be served until all machines are replaced. Leave it, or deploy a second stack and lead your DNS name there.`;
  return [{ property: "appPort", reason }];
}

/** A range is free only when the subnet that has it is gone, and the engine makes first and deletes last. */
function overlappingSubnets(before: LayoutInputs, after: LayoutInputs): CheckFailure[] {
  return after.subnets.flatMap(({ cidr }, place) => {
    if (before.subnets.some((known) => known.cidr === cidr)) return [];
    const range = parseCidr(cidr);
    const other = before.subnets.find((known) => {
      const old = parseCidr(known.cidr);
      return range && old && cidrsOverlap(range, old);
    });
    if (!other) return [];
    const reason = `switchyard:network.subnets[${place}]: ${cidr} overlaps ${other.cidr}, a subnet that is there until the deployment's end. Give it a range that is free, or deploy twice: without ${other.cidr}, then with ${cidr}.`;
    return [{ property: "subnets", reason }];
  });
}

function renamedBucket(before: LayoutInputs, after: LayoutInputs): CheckFailure[] {
  if (!before.protect || after.bucket === undefined || before.bucket === after.bucket) return [];
  const reason = `switchyard:names.bucket is ${JSON.stringify(after.bucket)}: a bucket cannot be renamed, and the one that is there is protected with its files. Leave the name as it was; or, to begin with an empty bucket, deploy switchyard:bucket.protect as false first.`;
  return [{ property: "bucket", reason }];
}
