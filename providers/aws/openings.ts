import type { InputsOfType, Opening } from "../../plan/openings.ts";

/** What a rule of a security group lets in from addresses; from other groups is no opening. */
export function openingsOf({ type, inputs = {} }: InputsOfType): Opening[] {
  if (type !== "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") return [];
  const { ipProtocol, fromPort, toPort, cidrIpv4, cidrIpv6 } = inputs;
  const ports = fromPort === toPort ? `${fromPort}` : `${fromPort} to ${toPort}`;
  const port = ipProtocol === "-1" ? "every port" : `${ipProtocol} ${ports}`;
  return [cidrIpv4, cidrIpv6].flatMap((from) => (typeof from === "string" ? [{ port, from }] : []));
}
