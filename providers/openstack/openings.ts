import type { InputsOfType, Opening } from "../../plan/openings.ts";

/** What a rule of a security group lets in from addresses; from other groups is no opening. */
export function openingsOf({ type, inputs = {} }: InputsOfType): Opening[] {
  if (type !== "openstack:networking/secGroupRule:SecGroupRule" || inputs.direction !== "ingress") return [];
  const { protocol, portRangeMin, portRangeMax, remoteIpPrefix, remoteGroupId } = inputs;
  if (remoteGroupId !== undefined) return [];
  const ports = portRangeMin === portRangeMax ? `${portRangeMin}` : `${portRangeMin} to ${portRangeMax}`;
  const port = portRangeMin === undefined ? "every port" : `${protocol} ${ports}`;
  // A rule without a range is for everybody.
  return [{ port, from: String(remoteIpPrefix ?? "0.0.0.0/0") }];
}
