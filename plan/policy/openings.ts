import { containsCidr, parseCidr } from "../../config/cidr.ts";
import type { Settings } from "../../config/settings.ts";
import { isInternet, type Opening } from "../openings.ts";
import type { Breach } from "./policy.ts";

/** The port that certificates are served at (config/schema.ts). */
const httpsPort = 443;

interface Listed {
  readonly ports: readonly number[];
  readonly from: readonly string[];
}

/** What the configuration opens. */
function listed({
  loadBalancer,
  controller,
  access,
}: Pick<Settings, "access" | "controller" | "loadBalancer">) {
  const balancers = [loadBalancer, ...(controller ? [controller] : [])].map(
    ({ port, certificate, allow }): Listed => ({
      ports: certificate === undefined ? [port] : [port, httpsPort],
      from: allow,
    }),
  );
  return {
    balancers,
    all: [...balancers, ...access.map(({ port, from }): Listed => ({ ports: [port], from }))],
  };
}

/** Openings to the internet that the configuration does not have. */
export function unlistedOpenings(
  openings: readonly Opening[],
  settings: Pick<Settings, "access" | "controller" | "loadBalancer">,
): Breach[] {
  const { balancers, all } = listed(settings);
  return openings
    .filter(({ from }) => isInternet(from))
    .filter(({ port, from }) => {
      const ports = portsOf(port);
      // What names no port is a load balancer's: whoever may ask it may do so at each of its own.
      const candidates = ports
        ? all.filter((one) => ports.every((port) => one.ports.includes(port)))
        : balancers;
      return !candidates.some((one) => one.from.some((range) => isWithin(from, range)));
    })
    .map(({ port, from }) => ({ property: port, found: `is open to ${from}, which is not configured` }));
}

/** `tcp 443`, `tcp 80 to 90`, `every port`; undefined for what is no number. */
function portsOf(text: string): number[] | undefined {
  if (text === "every port" || text.endsWith(" every port")) return [0, 65_535];
  const [, first, last = first] = /(\d+)(?:(?: to |-)(\d+))?$/.exec(text) ?? [];
  return first === undefined ? undefined : [Number(first), Number(last)];
}

function isWithin(range: string, outer: string): boolean {
  const [inside, around] = [parseCidr(range), parseCidr(outer)];
  return range === outer || (inside !== undefined && around !== undefined && containsCidr(around, inside));
}
