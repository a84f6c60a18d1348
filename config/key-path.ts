/** A path one key longer, in Pulumi's notation: `clusters[1].min`, `tags["a.b"]`. */
export function keyPath(parent: string, key: string | number): string {
  if (parent === "") return String(key);
  if (typeof key === "number") return `${parent}[${key}]`;
  if (!/^[\w-]+$/.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return `${parent}.${key}`;
}
