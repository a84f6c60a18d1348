import type { ResourceKind } from "../../plugin/resource.ts";
import { clones } from "./clones.ts";
import { layout } from "./layout.ts";
import { stableGroup } from "./stable-group.ts";

/** The resource types of this cloud that its SDK does not have. */
export const kinds: Readonly<Record<string, ResourceKind>> = {
  "switchyard:gcp:Clones": clones,
  "switchyard:gcp:Layout": layout,
  "switchyard:gcp:StableGroup": stableGroup,
};
