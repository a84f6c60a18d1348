import { adminToken } from "./admin-token.ts";
import { readiness } from "./readiness.ts";
import type { ResourceKind } from "./resource.ts";
import { type CloudsWithFiles, storedObject } from "./stored-object.ts";

type Kinds = Readonly<Record<string, ResourceKind>>;

/** What every cloud needs. */
const commonKinds = (clouds: CloudsWithFiles): Kinds => ({
  "switchyard:index:AdminToken": adminToken,
  "switchyard:index:Readiness": readiness,
  "switchyard:index:StoredObject": storedObject(clouds),
});

/**
 * Finds resource types by their token, such as `switchyard:local:Bucket`.
 * @param clouds how to load a cloud's own, by its name; one is loaded when one of its types is used
 */
export function kindsOf(
  clouds: CloudsWithFiles & Readonly<Record<string, { kinds?(): Promise<Kinds> }>>,
): (type: string) => Promise<ResourceKind | undefined> {
  const own = <T>(record: Readonly<Record<string, T>>, key: string) =>
    Object.hasOwn(record, key) ? record[key] : undefined;
  const everywhere = commonKinds(clouds);
  return async (type) => {
    const [, module = ""] = type.split(":");
    const common = own(everywhere, type);
    if (common) return common;
    const kinds = await own(clouds, module)?.kinds?.();
    return kinds && own(kinds, type);
  };
}
