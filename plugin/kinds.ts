import { localKinds } from "../providers/local/kinds.ts";
import { adminToken } from "./admin-token.ts";
import { readiness } from "./readiness.ts";
import type { ResourceKind } from "./resource.ts";

/** Every resource type of the plugin. */
export const kinds: Readonly<Record<string, ResourceKind>> = {
  "switchyard:index:AdminToken": adminToken,
  "switchyard:index:Readiness": readiness,
  ...localKinds,
};
