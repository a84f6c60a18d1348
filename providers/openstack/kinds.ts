import type { ResourceKind } from "../../plugin/resource.ts";
import { layout } from "./layout.ts";

/** The resource types of this cloud that its SDK does not have. */
export const kinds: Readonly<Record<string, ResourceKind>> = {
  "switchyard:openstack:Layout": layout,
};
