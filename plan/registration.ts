import type pb from "@pulumi/pulumi/proto/resource_pb.js";
import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb.js";
import { parseUrn } from "../operations/urn.ts";
import { unknownText, wireUnknown } from "./values.ts";

/** Properties of a resource, as they are on the wire. */
export type Properties = Readonly<Record<string, unknown>>;

/** A resource as the program registers it. What is not set is absent, or an empty list. */
export interface Registration {
  readonly op: "create" | "read";
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  /** Of a resource that is only read. */
  readonly id?: string | undefined;
  readonly inputs: Properties;
  readonly parent?: string | undefined;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** `<URN of the provider>::<its id>`. */
  readonly provider?: string | undefined;
  readonly protect?: boolean | undefined;
  readonly retainOnDelete?: boolean | undefined;
  readonly deleteBeforeReplace?: boolean | undefined;
  readonly deletedWith?: string | undefined;
  readonly replaceWith: readonly string[];
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly hideDiff: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly aliases: readonly string[];
  readonly importID?: string | undefined;
  /** As the program gives them: `10m`. */
  readonly customTimeouts?: Readonly<Record<string, string>> | undefined;
}

type Known = ReadonlyMap<string, Registration>;
/** What a stack is called. */
export type StackName = { readonly name: string; readonly project: string };
type Request = pb.RegisterResourceRequest | pb.ReadResourceRequest;

const rootType = "pulumi:pulumi:Stack";
const providerType = "pulumi:providers:";

/** A URN as the engine forms it: components' types stand before a resource's own, the stack's does not. */
function formUrn(stack: StackName, type: string, name: string, parent: string): string {
  const parentTypes = parent ? parseUrn(parent).types : [];
  const types = parentTypes[0] === rootType ? [type] : [...parentTypes, type];
  return `urn:pulumi:${stack.name}::${stack.project}::${types.join("$")}::${name}`;
}

/** What the wire has for properties, as it has it. */
export function toProperties(struct: StructMessage | undefined): Properties {
  return (struct?.toJavaScript() ?? {}) as Properties;
}

/** What creating and reading a resource have in common. */
function common(request: Request, stack: StackName, known: Known) {
  const parent = request.getParent();
  return {
    urn: formUrn(stack, request.getType(), request.getName(), parent),
    type: request.getType(),
    name: request.getName(),
    parent: parent || undefined,
    provider: providerOf(request, stack, known),
    dependencies: request.getDependenciesList().toSorted(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
  };
}

/**
 * What the engine would make of a request to create a resource, or of a component.
 * @throws on what would need a plugin
 */
export function registrationOf(
  request: pb.RegisterResourceRequest,
  stack: StackName,
  known: Known,
): Registration {
  if (request.getRemote()) {
    throw new Error(`${request.getType()} is a component that lives in a plugin, and a plan has none`);
  }
  const parent = known.get(request.getParent());
  const isCustom = request.getCustom();
  const { provider, ...shared } = common(request, stack, known);
  return {
    ...shared,
    op: "create",
    custom: isCustom,
    ...(isCustom && { provider }),
    inputs: toProperties(request.getObject()),
    propertyDependencies: propertyDependencies(request),
    protect: request.hasProtect() ? request.getProtect() : parent?.protect,
    retainOnDelete: request.hasRetainondelete() ? request.getRetainondelete() : parent?.retainOnDelete,
    deleteBeforeReplace: request.getDeletebeforereplacedefined()
      ? request.getDeletebeforereplace()
      : undefined,
    deletedWith: request.getDeletedwith() || parent?.deletedWith,
    replaceWith: request.getReplaceWithList(),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    hideDiff: request.getHidediffsList(),
    aliases: aliases(request, stack),
    importID: request.getImportid() || undefined,
    customTimeouts: customTimeouts(request),
  };
}

/** What the engine would make of a request to read a resource that exists already. */
export function readRegistration(
  request: pb.ReadResourceRequest,
  stack: StackName,
  known: Known,
): Registration {
  return {
    ...common(request, stack, known),
    op: "read",
    custom: true,
    id: request.getId(),
    inputs: toProperties(request.getProperties()),
    propertyDependencies: {},
    replaceWith: [],
    ignoreChanges: [],
    replaceOnChanges: [],
    hideDiff: [],
    aliases: [],
  };
}

/** The provider that is given, else the parent's of the same package, else the package's default one. */
function providerOf(request: Request, stack: StackName, known: Known): string | undefined {
  const type = request.getType();
  const [packageName] = type.split(":");
  if (type.startsWith(providerType) || packageName === "pulumi") return undefined;
  const given = request.getProvider().replace(wireUnknown, unknownText);
  const inherited = known.get(request.getParent())?.provider;
  if (given) return given;
  if (inherited?.includes(`::${providerType}${packageName}::`)) return inherited;
  const version = request.getVersion();
  const name = version ? `default_${version.replaceAll(/[.+-]/g, "_")}` : "default";
  return `${formUrn(stack, `${providerType}${packageName}`, name, "")}::${unknownText}`;
}

function propertyDependencies(request: pb.RegisterResourceRequest): Record<string, string[]> {
  const entries = [...request.getPropertydependenciesMap().entries()];
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, urns]) => [key, urns.getUrnsList().toSorted()]));
}

/** Aliases as URNs; what an alias does not say is as in the resource itself. */
function aliases(request: pb.RegisterResourceRequest, stack: StackName): string[] {
  return request.getAliasesList().map((alias) => {
    const spec = alias.getSpec();
    if (!spec) return alias.getUrn();
    const parent = spec.getNoparent() ? "" : spec.getParenturn() || request.getParent();
    const from = { name: spec.getStack() || stack.name, project: spec.getProject() || stack.project };
    return formUrn(from, spec.getType() || request.getType(), spec.getName() || request.getName(), parent);
  });
}

function customTimeouts(request: pb.RegisterResourceRequest): Record<string, string> | undefined {
  const given = Object.entries(request.getCustomtimeouts()?.toObject() ?? {}).filter(([, value]) => value);
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}
