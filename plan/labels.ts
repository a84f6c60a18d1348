import { parseUrn } from "../operations/urn.ts";

/** How the tokens of one resource's outputs are made: `${<label>.<output>}`. */
export interface Labels {
  readonly label: string;
  /** Outputs that are secret. */
  readonly secrets: readonly string[];
}

/** Where the recorder's answer to a registration carries its labels; no property of a resource has such a name. */
export const labelsKey = "$labels";

/** The last word of a type: `Bucket` of `aws:s3/bucket:Bucket`. */
export function simpleType(type: string): string {
  return type.slice(type.lastIndexOf(":") + 1);
}

/**
 * What tokens call a resource. The one that a component is named for (its namesake of the same simple type, such as the
 * Bucket `files` in the component Bucket `files`) is called by its name alone; every other has its type before it,
 * `Vpc:network`. A label depends on nothing but the resource's own URN and its parent's, so that it stays the same
 * whatever else is in the program.
 */
export function labelOf(urn: string, parentUrn: string | undefined): string {
  const own = parseUrn(urn);
  const type = simpleType(own.type);
  const parent = parentUrn ? parseUrn(parentUrn) : undefined;
  const isNamesake = parent?.name === own.name && simpleType(parent.type) === type;
  return isNamesake ? own.name : `${type}:${own.name}`;
}
