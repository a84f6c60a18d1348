import { cidrsOverlap, parseCidr } from "../../config/cidr.ts";
import type { CheckFailure, Properties, ResourceKind } from "../../plugin/resource.ts";

/** What of a deployment cannot be changed in one step, or at all. */
export interface LayoutInputs {
  readonly authUrl: string;
  readonly region: string;
  readonly subnets: readonly { readonly cidr: string }[];
  /** The exact name of the files' container, when it is given. */
  readonly bucket?: string | undefined;
  /** What keeps files and releases: `swift`, or the URL of a service that speaks S3. Default `swift`. */
  readonly store?: string | undefined;
  /** Whether the containers are protected. */
  readonly protect: boolean;
}

/**
 * Remembers how a deployment is laid out, and refuses, in previews too, changes that the cloud would refuse in the middle
 * of a deployment. It makes nothing.
 */
export const layout: ResourceKind = {
  replaceOn: [],
  async check(news, olds) {
    if (!olds) return [];
    const [before, after] = [olds, news] as unknown as [LayoutInputs, LayoutInputs];
    // What else changes follows from where it is.
    const moved = [...movedTo("authUrl", before, after), ...movedTo("region", before, after)];
    if (moved.length > 0) return moved;
    const kept = [...movedStore(before, after), ...renamedBucket(before, after)];
    return [...overlappingSubnets(before, after), ...kept];
  },
  async create(_news: Properties, context) {
    return { id: context.name, outputs: {} };
  },
};

function movedTo(property: "authUrl" | "region", before: LayoutInputs, after: LayoutInputs): CheckFailure[] {
  if (before[property] === after[property]) return [];
  const reason = `openstack:${property} changes from ${before[property]} to ${after[property]}: nothing that is deployed can move. Deploy a second stack there, and lead your DNS name to it.`;
  return [{ property, reason }];
}

/** Two subnets of one router must not overlap, and the engine makes first and deletes last. */
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
  const reason = `switchyard:names.bucket is ${JSON.stringify(after.bucket)}: a container cannot be renamed, and the one that is there is protected with its files. Leave the name as it was; or, to begin with an empty container, deploy switchyard:bucket.protect as false first.`;
  return [{ property: "bucket", reason }];
}

function movedStore(before: LayoutInputs, after: LayoutInputs): CheckFailure[] {
  const [from, to] = [before.store ?? "swift", after.store ?? "swift"];
  if (!before.protect || from === to) return [];
  const reason = `switchyard:openstack.store changes from ${from} to ${to}: files do not move, and those that are there are protected. Leave it as it was; or, to begin with an empty one, deploy switchyard:bucket.protect as false first.`;
  return [{ property: "store", reason }];
}
