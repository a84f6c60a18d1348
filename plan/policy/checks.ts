import { secretText } from "../stack.ts";
import { unknownText } from "../values.ts";
import type { Breach, Check, PolicyResource } from "./policy.ts";

type Inputs = NonNullable<PolicyResource["inputs"]>;
type Look = (inputs: Inputs, resource: PolicyResource) => readonly Breach[];

/** Looks at each resource of some types. */
export function looking(looks: Readonly<Record<string, Look>>): NonNullable<Check["one"]> {
  return (resource) => {
    const look = Object.hasOwn(looks, resource.type) ? looks[resource.type] : undefined;
    return look?.(resource.inputs ?? {}, resource) ?? [];
  };
}

/** The value at a path, `rule.objectOwnership`; undefined where anything on the way is missing. */
export function valueAt(inputs: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => {
    return typeof value === "object" && value !== null ? (value as Inputs)[name] : undefined;
  }, inputs);
}

/** What is not known before a deployment breaks nothing: the rule looks again when it is. */
function isUnknown(value: unknown): boolean {
  return typeof value === "string" && (value === unknownText || /^\$\{[^}]*\}$/.test(value));
}

/** A breach unless the property has one of these values; `true` and `"true"` are the same. */
export function mustBe(
  inputs: unknown,
  property: string,
  ...values: readonly (string | boolean)[]
): Breach[] {
  const value = valueAt(inputs, property);
  if (isUnknown(value) || values.some((one) => String(one) === String(value))) return [];
  const remedy = `set it to ${values.map((one) => JSON.stringify(one)).join(" or ")}`;
  return [{ property, found: value === undefined ? "is not set" : `is ${JSON.stringify(value)}`, remedy }];
}

/** A breach unless the property is set. */
export function mustHave(inputs: unknown, property: string, remedy: string): Breach[] {
  const value = valueAt(inputs, property);
  const isEmpty =
    value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
  return isEmpty ? [{ property, found: "is not set", remedy }] : [];
}

/** A breach where the property has a secret in it. */
export function mustBePlain(inputs: unknown, property: string): Breach[] {
  const text = JSON.stringify(valueAt(inputs, property)) ?? "";
  return text.includes(secretText) ? [{ property, found: "has a secret in it" }] : [];
}

/** What of others a resource needs beside it. */
interface Companion {
  /** Types of the resources that need one. */
  readonly of: readonly string[];
  /** The one's type, and the property by which it names what it belongs to. */
  readonly type: string;
  readonly by: string;
}

/** A breach for each resource that has no such companion. */
export function mustHaveCompanion({ of, type, by }: Companion): NonNullable<Check["all"]> {
  return (resources) => {
    const named = new Set(
      resources.filter((one) => one.type === type).flatMap((one) => one.propertyDependencies?.[by] ?? []),
    );
    return resources
      .filter((one) => of.includes(one.type) && !named.has(one.urn))
      .map(({ urn }) => ({ urn, property: type, found: "is missing: there is none for it" }));
  };
}

/** Items of a list; none of what is no list. */
export function itemsAt(inputs: unknown, path: string): readonly unknown[] {
  const value = valueAt(inputs, path);
  return Array.isArray(value) ? value : [];
}
