import type { ResourceKind } from "../../plugin/resource.ts";
import type { Change, ReplacementTable } from "../changes.ts";
import type { InputsOfType } from "../openings.ts";
import type { PlannedResource } from "../plan.ts";

/** What only one resource at a time may have. */
export interface Claim {
  /** Of what, in one word: `priority`. */
  readonly of: string;
  readonly key: readonly unknown[];
  /** A range of addresses, which must not overlap another's with the same key. */
  readonly range?: string;
  /** Others may have the same key if they have this same value, too. */
  readonly unless?: string;
}

/** What is known of one cloud's resources, for who compares two plans of it. Each cloud's edits.ts has it. */
export interface CloudEdits {
  readonly replacements: ReplacementTable;
  /** @param other finds the resource that a token refers to, in the same plan */
  claims(resource: PlannedResource, other: (token: unknown) => PlannedResource | undefined): Claim[];
  /** Whether a change replaces the machines of the group that its resource is of. */
  rolls(change: Change): boolean;
  /** Groups whose machines are replaced, for a cloud that makes each by itself. Default: those of whose changes `rolls` says so. */
  rolledBy?(changes: readonly Change[]): readonly string[];
  /** Properties, `Type.property`, that can never be changed to what belongs to something else which is replaced. */
  readonly immovable: readonly string[];
  /** Why a change cannot be made, though its type can be changed: to follow the resource's name. Default: each can. */
  refuses?(change: Change): string | undefined;
  /** By type of what holds data: the property by which its content may be deleted with it. */
  readonly data: Readonly<Record<string, string>>;
  /** What a resource lets whoever has it do, each right in a line; nothing for most. */
  rights(resource: InputsOfType): readonly string[];
  /** By type: what refuses an edit in the preview, and warns of one, by the inputs before and after alone. */
  readonly checks: Readonly<Record<string, Pick<ResourceKind, "check">>>;
  /** By type of a group of machines: the property that says where they stand, if it can be changed. */
  readonly places?: Readonly<Record<string, string>>;
  /** How machines are replaced, where it is not a few at a time. */
  readonly rolling?: string;
  /** What users notice of a cluster that is made. */
  readonly newCluster: string;
  /** What users notice of a cluster that stays, and gets another path. */
  readonly otherPath: string;
}
