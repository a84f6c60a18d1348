import { join, relative, resolve } from "node:path";
import { type ProjectFile, readProjectFile, readStackFile } from "../config/stack-file.ts";
import { noStackFile } from "../operations/stacks.ts";

/** What stands for a secret, wherever it would be shown. */
export const secretText = "[secret]";

/** A stack as its files describe it: which program, with which configuration. */
export interface Stack {
  readonly name: string;
  /** The Pulumi project's name. */
  readonly project: string;
  /** The project's folder, absolute. */
  readonly root: string;
  /** The program, relative to the root. */
  readonly main: string;
  /** Every value as the program gets it: text as it is, all else as JSON. Secrets are `[secret]`. */
  readonly config: Readonly<Record<string, string>>;
  /** The keys of `config` that hold, or contain, a secret. */
  readonly secretKeys: readonly string[];
  /** By each of these keys, the encrypted texts in it: the same ones hold the same secrets. */
  readonly encrypted: Readonly<Record<string, string>>;
}

export interface StackOptions {
  /** The project's folder. Default: this one. */
  readonly root?: string;
  /** In place of `Pulumi.<stack>.yaml`, relative to the working directory. */
  readonly configFile?: string;
  /** Values that stand above the file's: `switchyard:machines` or, for the project's own keys, `machines`. Undefined removes a key. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/**
 * Reads `Pulumi.yaml` and a stack's configuration as the CLI does, but decrypts nothing.
 * @throws when there is no such stack, with those that there are; or when a file is no YAML
 */
export function readStack(name: string, options: StackOptions = {}): Stack {
  const root = resolve(options.root ?? join(import.meta.dirname, ".."));
  const project = readProjectFile(root);
  const file = options.configFile ? resolve(options.configFile) : join(root, `Pulumi.${name}.yaml`);
  const fromFile = readConfig(name, file, { root, project });
  const values = new Map<string, unknown>();
  for (const source of [projectValues(project), fromFile, options.config ?? {}]) {
    for (const [key, value] of Object.entries(source)) {
      const fullKey = key.includes(":") ? key : `${project.name}:${key}`;
      if (value === undefined) values.delete(fullKey);
      else values.set(fullKey, value);
    }
  }
  const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  const secret = sorted.filter(([, value]) => hasSecret(value));
  return {
    name,
    project: project.name,
    root,
    main: project.main ?? ".",
    config: Object.fromEntries(sorted.map(([key, value]) => [key, toText(blind(value))])),
    secretKeys: secret.map(([key]) => key),
    encrypted: Object.fromEntries(secret.map(([key, value]) => [key, ciphertexts(value).join("\n")])),
  };
}

/** What `Pulumi.yaml` itself sets, for every stack: a bare value, or an object with `value` or `default`. */
function projectValues({ config }: ProjectFile): Record<string, unknown> {
  const value = (entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return entry ?? undefined;
    const { value, default: otherwise } = entry as { value?: unknown; default?: unknown };
    return value ?? otherwise;
  };
  return Object.fromEntries(Object.entries(config ?? {}).map(([key, entry]) => [key, value(entry)]));
}

function readConfig(
  name: string,
  file: string,
  { root, project }: { readonly root: string; readonly project: ProjectFile },
): Readonly<Record<string, unknown>> {
  try {
    const { config, rest } = readStackFile(file, project.name);
    if ((rest.environment ?? undefined) === undefined) return config;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw noStackFile(root, name, relative(root, file));
  }
  throw new Error(
    `${relative(root, file)}: environment names environments of Pulumi ESC, which a plan does not fetch: give what they set in a file of its own, with --config-file`,
  );
}

/** A value that the CLI encrypted: `{ secure: … }`. */
function isSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { secure, ...rest } = value as { secure?: unknown };
  return typeof secure === "string" && Object.keys(rest).length === 0;
}

function hasSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isSecret(value) || Object.values(value).some(hasSecret);
}

function ciphertexts(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return isSecret(value)
    ? [String((value as { secure: string }).secure)]
    : Object.values(value).flatMap(ciphertexts);
}

/** The value with `[secret]` for whatever is encrypted. */
function blind(value: unknown): unknown {
  if (isSecret(value)) return secretText;
  if (Array.isArray(value)) return value.map(blind);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, blind(part)]));
}

/** As the CLI hands a value over: nothing is empty text, unless it stands within a list or an object. */
function toText(value: unknown): string {
  if (value === null) return "";
  return typeof value === "string" ? value : toJson(value);
}

/** JSON as Go writes it (`encoding/json`): keys in the order of their bytes, and what HTML or JavaScript would take for its own escaped. */
function toJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return `{${entries.map(([key, part]) => `${toJson(key)}:${toJson(part)}`).join(",")}}`;
  }
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
