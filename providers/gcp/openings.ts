import type { InputsOfType, Opening } from "../../plan/openings.ts";
import { anywhere, iapRange, proxyRanges } from "./ranges.ts";

/** Google's own addresses: what passes there has passed a load balancer, or a login. */
const google: ReadonlySet<string> = new Set([...proxyRanges, iapRange]);

/** Whoever may ask the load balancer may do so on each of its ports. */
const listener = "the load balancer's ports";

interface FirewallInputs {
  readonly direction?: string;
  readonly allows?: readonly { readonly protocol: string; readonly ports?: readonly string[] }[];
  readonly sourceRanges?: readonly string[];
}

interface PolicyInputs {
  readonly rules?: readonly {
    readonly action: string;
    readonly match: { readonly config?: { readonly srcIpRanges?: readonly string[] } };
  }[];
}

/** What a firewall rule, a policy of Cloud Armor's, or a backend without one, lets in from elsewhere than Google. */
export function openingsOf({ type, inputs = {} }: InputsOfType): Opening[] {
  if (type === "gcp:compute/firewall:Firewall") return openedByFirewall(inputs);
  if (type === "gcp:compute/securityPolicy:SecurityPolicy") {
    const allowed = ((inputs as PolicyInputs).rules ?? []).filter(({ action }) => action === "allow");
    const ranges = allowed.flatMap(({ match }) => match.config?.srcIpRanges ?? []);
    return ranges.map((from) => ({ port: listener, from: from === "*" ? anywhere : from }));
  }
  const isOpen = type === "gcp:compute/backendService:BackendService" && inputs.securityPolicy === undefined;
  return isOpen ? [{ port: listener, from: anywhere }] : [];
}

function openedByFirewall({ direction, allows = [], sourceRanges = [] }: FirewallInputs): Opening[] {
  if (direction === "EGRESS") return [];
  return allows.flatMap(({ protocol, ports = ["every port"] }) =>
    ports.flatMap((port) =>
      sourceRanges.filter((from) => !google.has(from)).map((from) => ({ port: `${protocol} ${port}`, from })),
    ),
  );
}
