/** What may be done with a resource. */
export const operations = ["create", "read", "update", "delete"] as const;
export type Operation = (typeof operations)[number];

/** What the calls that a resource type's provider makes are allowed by, in the cloud's own words. */
export interface TypePermissions extends Readonly<Partial<Record<Operation, readonly string[]>>> {
  /** Where the calls are seen, or why there are none. */
  readonly source: string;
}

/** By the type's token. A type that calls nothing has its source alone. */
export type PermissionTable = Readonly<Record<string, TypePermissions>>;

/** All that some operations on all types of a table need, once each, sorted. */
export function permissionsFor(table: PermissionTable, wanted: readonly Operation[]): string[] {
  const all = Object.values(table).flatMap((type) => wanted.flatMap((operation) => type[operation] ?? []));
  return [...new Set(all)].sort();
}
