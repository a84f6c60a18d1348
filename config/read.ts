import { RunError } from "@pulumi/pulumi/errors.js";
import { closest, distance } from "fastest-levenshtein";
import * as v from "valibot";
import { checkRelations } from "./checks.ts";
import { keyPath } from "./key-path.ts";
import { checkTimes } from "./peaks.ts";
import { type Input, schema, textKeys } from "./schema.ts";
import type { CloudRules, Draft, Report, Settings } from "./settings.ts";
import { notesOf, required, type SchemaNode } from "./values.ts";

const namespace = "switchyard:";

interface Problem {
  /** Path of the key below `switchyard:`. */
  readonly key: string;
  readonly line: string;
}

/** Everything that is wrong with a stack's configuration. The CLI prints its message without a stack trace. */
export class ConfigError extends RunError {
  /** One line each, sorted by key. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], stack: string) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(
      [
        `${count} in this stack's configuration:`,
        ...problems.map((line) => `  ${line}`),
        `Edit Pulumi.${stack}.yaml, or run: pulumi config set --path '<key>' <value>  (to remove a key: pulumi config rm --path '<key>')`,
        "docs/configuration.md describes every key.",
      ].join("\n"),
    );
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** How to load what each cloud contributes to the configuration, by its name. */
export type CloudLoaders = Readonly<Record<string, { rules(): Promise<CloudRules> }>>;

/**
 * Reads a stack's configuration, fills in every default, and checks it: each value, values against each other, then
 * what the selected cloud cannot do. Only the selected cloud is loaded.
 *
 * @param raw every configuration value, as `pulumi.runtime.allConfig()` gives them: JSON, or plain text for scalars.
 *   Of keys outside `switchyard:` the cloud's rules may know some (`aws:region`).
 * @param where the Pulumi project's name, the default of `switchyard:project`, and the stack's
 * @param secretKeys keys (`switchyard:sshKey`) whose values no message may show
 * @returns the settings, frozen in depth
 * @throws ConfigError that lists everything wrong
 */
export async function readSettings(
  raw: Readonly<Record<string, string>>,
  where: { readonly project: string; readonly stack: string },
  clouds: CloudLoaders,
  secretKeys: ReadonlySet<string> = new Set(),
): Promise<Settings> {
  const problems: Problem[] = [];
  const report: Report = (key, value, remedy) => {
    const isSecret = [key, key.replace(/[.[].*$/s, "")].some((name) => secretKeys.has(namespace + name));
    problems.push({ key, line: isSecret ? secretLine(key) : line(key, value, remedy) });
  };
  const reportMore: Report = (key, ...rest) => {
    if (!problems.some((known) => isWithin(key, known.key))) report(key, ...rest);
  };
  const reportFirst: Report = (key, ...rest) => {
    if (!problems.some((known) => isWithin(known.key, key) || isWithin(key, known.key))) report(key, ...rest);
  };

  const given = decode(raw);
  const input = parse({ project: where.project, ...given }, reportFirst);
  if ("machines" in given && "clusters" in given) {
    const remedy = "it is short for one cluster and cannot stand beside clusters: remove one of the two";
    reportFirst("machines", given.machines, remedy);
  }
  const rules = await loadRules(input.cloud, clouds, reportFirst);
  const draft = withDefaults(input, rules?.defaults ?? unknownDefaults);
  if (!rules || rules.takesController) await checkTimes(draft, reportFirst);
  checkRelations(draft, rules, reportFirst);
  rules?.check(draft, reportMore, raw);
  problems.push(...misspelt(Object.keys(raw)));
  const environmentIsSecret = secretKeys.has(`${namespace}app`) && hasValues(draft.app?.environment);
  if (environmentIsSecret && rules && !rules.takesSecrets) problems.push(secretEnvironment);
  if (problems.length > 0) throw configError(problems, where.stack);
  return freeze(structuredClone({ ...draft, app: { ...draft.app, environmentIsSecret } })) as Settings;
}

const secretEnvironment: Problem = {
  key: "app.environment",
  line: "switchyard:app is a secret, and its environment would stand in plain text in the machines' user data; set it without --secret, or keep it in a store of secrets that the app reads",
};

function hasValues(record: object | undefined): boolean {
  return Object.keys(record ?? {}).length > 0;
}

/** Keys that nothing reads, because their namespace is nearly ours. */
function misspelt(names: readonly string[]): Problem[] {
  const own = namespace.slice(0, -1);
  return names.flatMap((key) => {
    const [found = "", rest] = key.split(":", 2);
    if (found === own || distance(found.toLowerCase(), own) > 2) return [];
    return [{ key, line: `${key} is set, and nothing reads it; did you mean ${namespace}${rest}?` }];
  });
}

function configError(problems: readonly Problem[], stack: string): ConfigError {
  const sorted = problems.toSorted((a, b) => a.key.localeCompare(b.key, "en", { numeric: true }));
  return new ConfigError(
    sorted.map(({ line }) => line),
    stack,
  );
}

/** Whether `key` is `other` or a part of it: `clusters[1].min` is a part of `clusters`. */
function isWithin(key: string, other: string): boolean {
  return key.startsWith(other) && /^([.[]|$)/.test(key.slice(other.length));
}

function line(key: string, value: unknown, remedy: string): string {
  return `${/^[a-z]+:/.test(key) ? "" : namespace}${key} is ${value === undefined ? "missing" : show(value)}; ${remedy}`;
}

/** An encrypted value is text, also where `pulumi config set --secret` was given a number, and `[secret]` in a plan. */
function secretLine(key: string): string {
  const name = namespace + key;
  return `${name} is a secret that is not valid, and is not shown; only texts can be secret, and a plan decrypts none: pulumi config set --plaintext --path '${name}' <value> (docs/configuration.md says what it may be)`;
}

/** A value for a message: JSON, at most 60 characters of it, and never a private key. */
function show(value: unknown): string {
  const text = JSON.stringify(value);
  if (text.includes("PRIVATE KEY")) return "a private key";
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function decode(raw: Readonly<Record<string, string>>): Record<string, unknown> {
  const entries = Object.entries(raw).flatMap(([name, text]) => {
    if (!name.startsWith(namespace)) return [];
    const key = name.slice(namespace.length);
    return [[key, textKeys.has(key) ? text.trim() : jsonOrText(text)]];
  });
  return Object.fromEntries(entries);
}

/** Text that is no JSON stays text, which the schema then refuses: no key that holds JSON may be a string. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Checks each value by itself. What is wrong is reported, and missing in the result. */
function parse(input: Record<string, unknown>, report: Report): Draft<Input> {
  checkKeys(schema as SchemaNode, input, "", report);
  const { issues = [], output } = v.safeParse(schema, input);
  for (const issue of issues) {
    const path = (issue.path ?? []).map((item) => item.key as string | number);
    report(path.reduce(keyPath, ""), issue.input, issue.message);
    remove(output, path);
  }
  return output as Draft<Input>;
}

/** Empties the key of a wrong value; a wrong item of a list takes the list along, so that the others keep their places. */
function remove(value: unknown, path: readonly (string | number)[]): void {
  const keys = path.slice(0, path.findLastIndex((key) => typeof key === "string") + 1);
  const last = keys.pop();
  let parent = value as Record<string | number, unknown> | undefined;
  for (const key of keys) parent = parent?.[key] as typeof parent;
  if (parent && last !== undefined) parent[last] = undefined;
}

/** Names that valibot's records leave out without a word. */
const unsafeNames: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Reports what valibot's objects and records let pass: every unknown key, lists where objects belong, and names that
 * it would leave out.
 */
function checkKeys(schema: SchemaNode, value: unknown, path: string, report: Report): void {
  const { entries, item, type } = required(schema);
  if (typeof value !== "object" || value === null) return;
  if (item && Array.isArray(value)) {
    for (const [index, element] of value.entries()) checkKeys(item, element, keyPath(path, index), report);
  } else if (Array.isArray(value)) {
    if (entries || type === "record") report(path, value, `it must be ${notesOf(schema).expected}`);
  } else if (entries) {
    for (const [key, element] of Object.entries(value)) {
      const entry = Object.hasOwn(entries, key) ? entries[key] : undefined;
      if (entry) checkKeys(entry, element, keyPath(path, key), report);
      else report(keyPath(path, key), element, `there is no such key, ${suggest(key, Object.keys(entries))}`);
    }
  } else if (type === "record") {
    for (const [name, element] of Object.entries(value)) {
      if (unsafeNames.has(name))
        report(keyPath(path, name), element, "no key may have that name; choose another");
    }
  }
}

function suggest(key: string, known: readonly string[]): string {
  const parent = /^(\w+)[.[]/.exec(key)?.[1];
  if (parent && known.includes(parent))
    return `to set a part of ${parent}, use pulumi config set --path '${namespace}${key}'`;
  return didYouMean(key, known);
}

/** The end of a message about an unknown word: the known word it may be a slip of, or all of them. */
export function didYouMean(word: string, known: readonly string[]): string {
  const lower = (text: string) => text.toLowerCase();
  const best = closest(lower(word), known.map(lower));
  const near = known.find((candidate) => lower(candidate) === best);
  const isNear = distance(lower(word), best) <= Math.max(1, Math.floor(word.length / 3));
  return near && isNear ? `did you mean ${near}?` : `it may be: ${known.join(", ")}`;
}

async function loadRules(
  cloud: string | undefined,
  clouds: CloudLoaders,
  report: Report,
): Promise<CloudRules | undefined> {
  const known = Object.keys(clouds);
  if (cloud === undefined) report("cloud", cloud, `it may be: ${known.join(", ")}`);
  else if (!Object.hasOwn(clouds, cloud)) report("cloud", cloud, didYouMean(cloud, known));
  else return clouds[cloud]?.rules();
  return undefined;
}

type Defaults = Partial<CloudRules["defaults"]>;

/** In place of a cloud that is not known, so that nothing is reported for want of its defaults. */
const unknownDefaults: Defaults = { machines: 1, allow: [] };

/** The value of a key, or a default if the key is not there; a key that is empty had a wrong value and gets none. */
function either<T extends object, K extends keyof T, D>(object: T, key: K, otherwise: D): T[K] | D {
  return key in object ? object[key] : otherwise;
}

/** Fills in the defaults that depend on the cloud or on other keys; the schema has the others. */
function withDefaults(input: Draft<Input>, defaults: Defaults): Draft<Settings> {
  const { machines, ...rest } = input;
  const network = withNetworkDefaults(input, defaults);
  const size = either(input, "machines", defaults.machines);
  const app = { name: "app", size: "small", min: size, desired: size, weight: 1, tags: {} } as const;
  return {
    ...rest,
    cloud: input.cloud,
    network,
    access: input.access ?? [],
    app: { ...input.app, port: input.app?.port ?? defaults.appPort },
    clusters: either(input, "clusters", [app])?.map((cluster) =>
      withClusterDefaults(cluster, network?.subnets),
    ),
    loadBalancer: withLoadBalancerDefaults(input.loadBalancer ?? {}, defaults),
    ...(input.controller && {
      controller: { ...input.controller, allow: either(input.controller, "allow", defaults.allow) },
    }),
  };
}

function withNetworkDefaults(input: Draft<Input>, defaults: Defaults): Draft<Settings>["network"] {
  if ("network" in input || !defaults.network) return input.network;
  const { cidr, subnets } = defaults.network;
  return {
    cidr,
    subnets: subnets.map((subnet) => ({ ...subnet, private: false })),
    nat: "none",
    flowLogs: false,
  };
}

type ClusterInput = NonNullable<Draft<Input>["clusters"]>[number];

function withClusterDefaults(
  cluster: ClusterInput,
  subnets: readonly { readonly private?: boolean | undefined }[] | undefined,
) {
  const { desired, min = desired, max = Math.max(min ?? 0, desired ?? 0, 1) } = cluster;
  return {
    ...cluster,
    min,
    max,
    subnets: either(cluster, "subnets", subnets && machinePlaces(subnets)),
  };
}

/** The private subnets; if there are none, all. */
function machinePlaces(subnets: readonly { readonly private?: boolean | undefined }[]): number[] {
  const places = [...subnets.keys()];
  const hidden = places.filter((place) => subnets[place]?.private);
  return hidden.length > 0 ? hidden : places;
}

function withLoadBalancerDefaults(
  { port, allow, healthCheck = {}, ...rest }: NonNullable<Draft<Input>["loadBalancer"]>,
  defaults: Defaults,
): Draft<Settings["loadBalancer"]> {
  const intervalSeconds = either(healthCheck, "intervalSeconds", defaults.healthCheckSeconds);
  const shortest = Math.min(5, (intervalSeconds ?? Number.POSITIVE_INFINITY) - 1);
  return {
    ...rest,
    port: port ?? defaults.loadBalancerPort,
    allow: allow ?? defaults.allow,
    healthCheck: { ...healthCheck, intervalSeconds, timeoutSeconds: healthCheck.timeoutSeconds ?? shortest },
  };
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}
