import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parse } from "yaml";
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
}

export interface StackOptions {
  /** The project's folder. Default: this one. */
  readonly root?: string;
  /** In place of `Pulumi.<stack>.yaml`, relative to the working directory. */
  readonly configFile?: string;
  /** Values that stand above the file's: `switchyard:machines` or, for the project's own keys, `machines`. Undefined removes a key. */
  readonly config?: Readonly<Record<string, unknown>>;
}

interface ProjectFile {
  readonly name: string;
  readonly main?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/**
 * Reads `Pulumi.yaml` and a stack's configuration as the CLI does, but decrypts nothing.
 * @throws when there is no such stack, with those that there are; or when a file is no YAML
 */
export function readStack(name: string, options: StackOptions = {}): Stack {
  const root = resolve(options.root ?? join(import.meta.dirname, ".."));
  const project = readYaml(join(root, "Pulumi.yaml")) as ProjectFile;
  const file = options.configFile ? resolve(options.configFile) : join(root, `Pulumi.${name}.yaml`);
  const fromFile = (readStackFile(name, file, root)?.config ?? {}) as Record<string, unknown>;
  const values = new Map<string, unknown>();
  for (const source of [projectValues(project), fromFile, options.config ?? {}]) {
    for (const [key, value] of Object.entries(source)) {
      const fullKey = key.includes(":") ? key : `${project.name}:${key}`;
      if (value === undefined) values.delete(fullKey);
      else values.set(fullKey, value);
    }
  }
  const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    name,
    project: project.name,
    root,
    main: project.main ?? ".",
    config: Object.fromEntries(sorted.map(([key, value]) => [key, toText(blind(value))])),
    secretKeys: sorted.filter(([, value]) => hasSecret(value)).map(([key]) => key),
  };
}

/** What `Pulumi.yaml` itself sets, for every stack: a bare value, or an object with `value` or `default`. */
function projectValues({ config = {} }: ProjectFile): Record<string, unknown> {
  const value = (entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return entry ?? undefined;
    const { value, default: otherwise } = entry as { value?: unknown; default?: unknown };
    return value ?? otherwise;
  };
  return Object.fromEntries(Object.entries(config).map(([key, entry]) => [key, value(entry)]));
}

function readYaml(file: string): unknown {
  const text = readFileSync(file, "utf8");
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`${file} is no valid YAML: ${(error as Error).message}`);
  }
}

function readStackFile(name: string, file: string, root: string): { config?: unknown } | null {
  try {
    return readYaml(file) as { config?: unknown } | null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw noStackFile(root, name, relative(root, file));
  }
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

/** The value with `[secret]` for whatever is encrypted, and keys in order, as the CLI hands objects over. */
function blind(value: unknown): unknown {
  if (isSecret(value)) return secretText;
  if (Array.isArray(value)) return value.map(blind);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, blind(part)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
