import type { InputsOfType, Opening } from "../../plan/openings.ts";

/** Where load balancers listen: this machine alone. */
export const address = "127.0.0.1";

/** What the load balancer lets in, if it ever listens on more than this machine's own address. */
export function openingsOf({ type, inputs = {} }: InputsOfType): Opening[] {
  if (type !== "switchyard:local:LoadBalancer" || inputs.address === address) return [];
  const { port, allow } = inputs as { port: number; allow: readonly string[] };
  return allow.map((from) => ({ port: `tcp ${port}`, from }));
}
