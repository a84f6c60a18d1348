import type { ResourceKind } from "../../plugin/resource.ts";
import { clones } from "./clones.ts";
import { layout } from "./layout.ts";
import { machineTags } from "./machine-tags.ts";

/** The resource types of this cloud that its SDK does not have. */
export const kinds: Readonly<Record<string, ResourceKind>> = {
  "switchyard:aws:Clones": clones,
  "switchyard:aws:Layout": layout,
  "switchyard:aws:MachineTags": machineTags,
};
