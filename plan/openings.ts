import ipaddr from "ipaddr.js";
import { parseUrn } from "../operations/urn.ts";
import { ofCloud, type Plan } from "./plan.ts";

/** Lets somebody reach something. */
export interface Opening {
  /** Such as `tcp 443`. */
  readonly port: string;
  /** A range in CIDR notation. */
  readonly from: string;
}

/** A resource of a plan, as far as its type and inputs say what it opens. */
export interface InputsOfType {
  readonly type: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** Finds what a resource of one cloud lets in: nothing for most. */
export type FindOpenings = (resource: InputsOfType) => readonly Opening[];

/** What a plan lets in from the internet: through which resource, on which port, from where. */
export interface InternetOpening extends Opening {
  readonly name: string;
}

/** Ranges that no packet from the internet comes from, in the words of ipaddr.js. */
const inside: ReadonlySet<string> = new Set([
  "private",
  "loopback",
  "linkLocal",
  "carrierGradeNat",
  "uniqueLocal",
]);

/** Finds what a plan opens to the internet, by its cloud's own rules; undefined for a plan of no cloud that there is. */
export async function internetOpenings(
  plan: Plan,
  clouds: Readonly<Record<string, { openings(): Promise<FindOpenings> }>>,
): Promise<InternetOpening[] | undefined> {
  const openingsOf = await ofCloud(plan, clouds)?.openings();
  if (!openingsOf) return undefined;
  return plan.steps.flatMap(({ newState: resource }) =>
    openingsOf(resource)
      .filter(({ from }) => isInternet(from))
      .map((opening) => ({ name: parseUrn(resource.urn).name, ...opening })),
  );
}

/** Whether a range has addresses of the internet. What is no range, such as a value that is not known yet, may be one. */
export function isInternet(cidr: string): boolean {
  if (!ipaddr.isValidCIDR(cidr)) return true;
  const [address] = ipaddr.parseCIDR(cidr);
  return !inside.has(address.range());
}
