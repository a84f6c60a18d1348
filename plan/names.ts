import { parseUrn } from "../operations/urn.ts";
import { simpleType } from "./labels.ts";

/** A resource in words: `Vpc network`; a component of the program's own: `load balancer edge`. */
export function readable(urn: string): string {
  const { type, name } = parseUrn(urn);
  if (!components.has(type)) return `${simpleType(type)} ${name}`;
  const words = simpleType(type)
    .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase();
  return words === name ? `the ${words}` : `the ${words} ${name}`;
}

/** What every cloud has, whose parts are resources: `components/`. */
const components: ReadonlySet<string> = new Set(
  ["Bucket", "Cluster", "LoadBalancer", "Network", "Release"].map((name) => `switchyard:index:${name}`),
);
