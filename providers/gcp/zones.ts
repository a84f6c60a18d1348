import type { Draft, NetworkSettings } from "../../config/settings.ts";

/** `us-west1-b`: the region, and a letter. */
const zonePattern = /^([a-z]+(?:-[a-z]+)+\d+)-[a-z]$/;

/** The region of a zone; undefined when it is no zone's name. */
export function regionOfZone(zone: string | undefined): string | undefined {
  return zonePattern.exec(zone ?? "")?.[1];
}

/** The region that a deployment is in: that of its first subnet's zone, which all others must be of. */
export function regionOf({ subnets = [] }: Draft<NetworkSettings>): string | undefined {
  return subnets.map(({ zone }) => regionOfZone(zone)).find((region) => region !== undefined);
}
