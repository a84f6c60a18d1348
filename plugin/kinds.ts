import { adminToken } from "./admin-token.ts";
import { readiness } from "./readiness.ts";
import type { ResourceKind } from "./resource.ts";

type Kinds = Readonly<Record<string, ResourceKind>>;

/** What every cloud needs. */
const commonKinds: Kinds = {
  "switchyard:index:AdminToken": adminToken,
  "switchyard:index:Readiness": readiness,
};

/** The resource types of each cloud that has some of its own; a cloud's SDK is loaded when one of them is used. */
const cloudKinds: Readonly<Record<string, () => Promise<Kinds>>> = {
  aws: async () => (await import("../providers/aws/kinds.ts")).kinds,
  local: async () => (await import("../providers/local/kinds.ts")).kinds,
};

/** The resource type of a token such as `switchyard:local:Bucket`, or undefined when there is none. */
export async function kindOf(type: string): Promise<ResourceKind | undefined> {
  const [, module = ""] = type.split(":");
  return commonKinds[type] ?? (await cloudKinds[module]?.())?.[type];
}
