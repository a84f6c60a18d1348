import { parseUrn } from "../../operations/urn.ts";
import { type Change, changesBetween, type ReplacementTable } from "../../plan/changes.ts";
import type { CloudEdits } from "../../plan/compare/cloud-edits.ts";
import { collisionsOf } from "../../plan/compare/collisions.ts";
import { rolledClusters } from "../../plan/compare/machine-findings.ts";
import { simpleType } from "../../plan/labels.ts";
import type { StackPlan } from "./plan.ts";

/** What an edit does, resource by resource: `Type::name`. */
export interface Edit {
  readonly changes: readonly Change[];
  readonly made: readonly string[];
  readonly updated: readonly string[];
  /** Made first, deleted at the end. */
  readonly replaced: readonly string[];
  /** Deleted first, then made. */
  readonly deletedFirst: readonly string[];
  readonly deleted: readonly string[];
  /** In the program no more, and left where it is. */
  readonly kept: readonly string[];
  /** Groups whose machines are replaced, because of what they are made of. */
  readonly rolled: readonly string[];
  /** What the cloud would refuse: the engine makes and updates before it deletes, and in any order that dependencies allow. */
  readonly collisions: readonly string[];
}

function nameOf(urn: string): string {
  const { type, name } = parseUrn(urn);
  return `${simpleType(type)}::${name}`;
}

/**
 * What becomes of a deployment of one plan when the other is deployed.
 * @param table what replaces resources, those of the project's own plugin among them
 */
export function editOf(
  before: StackPlan,
  after: StackPlan,
  edits: CloudEdits,
  table: ReplacementTable,
): Edit {
  const custom = ({ resources }: StackPlan) => resources.filter((resource) => resource.custom);
  const changes = changesBetween(custom(before), custom(after), table);
  const names = (wanted: (change: Change) => boolean) =>
    changes
      .filter(wanted)
      .map(({ urn }) => nameOf(urn))
      .sort();
  return {
    changes,
    made: names(({ op }) => op === "create"),
    updated: names(({ op }) => op === "update"),
    replaced: names(({ op, deletesFirst }) => op === "replace" && !deletesFirst),
    deletedFirst: names(({ op, deletesFirst }) => op === "replace" && deletesFirst),
    deleted: names(({ op, before }) => op === "delete" && !before?.retainOnDelete),
    kept: names(({ op, before }) => op === "delete" && before?.retainOnDelete === true),
    rolled: rolledClusters({ changes, edits }),
    collisions: collisionsOf(changes, after.resources, edits).map(({ text }) => text),
  };
}
