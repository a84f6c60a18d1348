import { stripVTControlCharacters } from "node:util";
import { labelOf } from "./labels.ts";
import type { Log, Recording } from "./recorder.ts";
import type { Registration } from "./registration.ts";
import type { Stack } from "./stack.ts";
import { collectSecrets, fromWire, masker } from "./values.ts";

type Values = Readonly<Record<string, unknown>>;

/**
 * A resource as it is to be. Names are those of `pulumi preview --json` (`ResourceV3` in sdk/go/common/apitype), besides
 * `deleteBeforeReplace`, which the CLI does not show. What a resource does not have is absent.
 */
export interface PlannedResource {
  readonly urn: string;
  readonly custom: boolean;
  readonly id?: string;
  readonly type: string;
  /** Secrets are `[secret]`, unknown values `[unknown]`, other resources' outputs tokens: `${files.bucket}`. */
  readonly inputs?: Values;
  /** Of components and of the stack: what they registered at their end. */
  readonly outputs?: Values;
  readonly parent?: string;
  readonly protect?: true;
  /** It exists, and is only read. */
  readonly external?: true;
  readonly dependencies?: readonly string[];
  /** `<URN of the provider>::<its id>`. */
  readonly provider?: string;
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>>;
  readonly additionalSecretOutputs?: readonly string[];
  readonly aliases?: readonly string[];
  readonly customTimeouts?: Readonly<Record<string, string>>;
  readonly importID?: string;
  readonly retainOnDelete?: true;
  readonly deletedWith?: string;
  readonly replaceWith?: readonly string[];
  readonly ignoreChanges?: readonly string[];
  readonly hideDiff?: readonly string[];
  readonly replaceOnChanges?: readonly string[];
  readonly deleteBeforeReplace?: boolean;
}

export interface PlanStep {
  readonly op: "create" | "read";
  readonly urn: string;
  readonly provider?: string;
  readonly newState: PlannedResource;
}

export interface Diagnostic {
  readonly urn?: string;
  /** With its severity before it, and a line break at its end, as the CLI has it. */
  readonly message: string;
  readonly severity: Log["severity"];
}

/** A plan, as a document with the names that `pulumi preview --json` uses. */
export interface Plan {
  readonly config: Readonly<Record<string, string>>;
  /** Each after its parent, siblings in the order of their URNs. */
  readonly steps: readonly PlanStep[];
  readonly diagnostics: readonly Diagnostic[];
  readonly changeSummary: Readonly<Record<string, number>>;
}

/** Makes a plan of what a program registered and logged: the same for the same program and configuration. */
export function makePlan(stack: Stack, recording: Recording): Plan {
  const { resources, outputs, logs } = recording;
  const mask = masker(secretsOf(recording));
  const show = (values: Values | undefined): Values | undefined =>
    values && mask(fromWire(values, stack.root) as Values);
  const steps = inTreeOrder([...resources.values()]).map((registration) => {
    const newState = stateOf(registration, show(registration.inputs), show(outputs.get(registration.urn)));
    const { urn, provider } = newState;
    return { op: registration.op, urn, ...(provider && { provider }), newState };
  });
  return {
    config: stack.config,
    steps,
    diagnostics: logs.map((log) => diagnosticOf(log, stack.root, mask)),
    changeSummary: countBy(steps.map(({ op }) => op)),
  };
}

/** Whether the program ended as it should. */
export function hasFailed({ diagnostics }: Plan): boolean {
  return diagnostics.some(({ severity }) => severity === "error");
}

/** What a program that failed said of it. */
export function errorsOf({ diagnostics }: Plan): string {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  return errors
    .map(({ message }) => message)
    .join("")
    .trimEnd();
}

/** Of what goes by the names of clouds, that of the one which a plan is of; undefined for a plan of none that there is. */
export function ofCloud<T>({ steps }: Plan, byCloud: Readonly<Record<string, T>>): T | undefined {
  const root = steps.find(({ newState }) => newState.type === "pulumi:pulumi:Stack");
  const { cloud } = root?.newState.outputs ?? {};
  return typeof cloud === "string" && Object.hasOwn(byCloud, cloud) ? byCloud[cloud] : undefined;
}

/** All texts that are secret, and the tokens of secret outputs; other tokens are names, which hide nothing. */
function secretsOf({ resources, outputs }: Recording): Set<string> {
  const found = new Set<string>();
  for (const { inputs } of resources.values()) collectSecrets(inputs, found);
  for (const values of outputs.values()) collectSecrets(values, found);
  const secrets = new Set([...found].filter((text) => !/^\$\{[^}]*\}$/.test(text)));
  for (const { urn, parent, additionalSecretOutputs } of resources.values()) {
    for (const name of additionalSecretOutputs) secrets.add(`\${${labelOf(urn, parent)}.${name}}`);
  }
  return secrets;
}

function inTreeOrder(resources: readonly Registration[]): Registration[] {
  const sorted = resources.toSorted((a, b) => (a.urn < b.urn ? -1 : 1));
  const urns = new Set(sorted.map(({ urn }) => urn));
  const children = Map.groupBy(sorted, ({ parent }) => (parent && urns.has(parent) ? parent : undefined));
  const withDescendants = (one: Registration): Registration[] => [
    one,
    ...(children.get(one.urn) ?? []).flatMap(withDescendants),
  ];
  return (children.get(undefined) ?? []).flatMap(withDescendants);
}

function stateOf(
  registration: Registration,
  inputs: Values | undefined,
  outputs: Values | undefined,
): PlannedResource {
  const { op, name: _, protect, retainOnDelete, ...rest } = registration;
  const state = {
    ...rest,
    inputs,
    outputs,
    protect: protect || undefined,
    retainOnDelete: retainOnDelete || undefined,
    external: op === "read" || undefined,
  };
  const present = keyOrder.filter((key) => !isEmpty(state[key])).map((key) => [key, state[key]]);
  return Object.fromEntries(present) as PlannedResource;
}

/** As the CLI writes them. */
const keyOrder = [
  "urn",
  "custom",
  "id",
  "type",
  "inputs",
  "outputs",
  "parent",
  "protect",
  "external",
  "dependencies",
  "provider",
  "propertyDependencies",
  "additionalSecretOutputs",
  "aliases",
  "customTimeouts",
  "importID",
  "retainOnDelete",
  "deletedWith",
  "replaceWith",
  "ignoreChanges",
  "hideDiff",
  "replaceOnChanges",
  "deleteBeforeReplace",
] as const satisfies readonly (keyof PlannedResource)[];

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0)
  );
}

/** A log line with its secrets masked, without colours, and with paths from the project's folder on. */
function diagnosticOf(
  { severity, message, urn }: Log,
  root: string,
  mask: (text: string) => string,
): Diagnostic {
  const prefix = severity === "error" || severity === "warning" ? `${severity}: ` : "";
  const plain = stripVTControlCharacters(message);
  const relative = plain.replaceAll(`file://${root}/`, "").replaceAll(`${root}/`, "");
  return { ...(urn && { urn }), message: `${prefix}${mask(relative)}\n`, severity };
}

function countBy(words: readonly string[]): Record<string, number> {
  const groups = Map.groupBy(words.toSorted(), (word) => word);
  return Object.fromEntries([...groups].map(([word, { length }]) => [word, length]));
}
