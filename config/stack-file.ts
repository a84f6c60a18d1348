import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { closest, distance } from "fastest-levenshtein";
import { readYaml } from "./yaml.ts";

/** A stack's file (`ProjectStack` in sdk/go/common/workspace): its configuration, and what encrypts the secrets in it. */
export interface StackFile {
  /** By whole keys, `switchyard:machines`, also where the file leaves the project's name out. */
  readonly config: Readonly<Record<string, unknown>>;
  /** All else: `encryptionsalt`, and what the CLI calls `environment`, environments of Pulumi ESC that add to the configuration. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** What is read of `Pulumi.yaml`. */
export interface ProjectFile {
  readonly name: string;
  readonly main?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/**
 * Reads the project's file in its folder.
 * @throws the system's error when there is none; otherwise one with what is wrong
 */
export function readProjectFile(root: string): ProjectFile {
  const content = readYamlFile(join(root, "Pulumi.yaml"));
  if (isObject(content) && typeof content.name === "string" && isObject(content.config ?? {})) {
    return content as unknown as ProjectFile;
  }
  throw new Error("Pulumi.yaml must be an object with the project's name, such as name: switchyard");
}

const texts = ["secretsprovider", "encryptedkey", "encryptionsalt"];
const known = ["config", "environment", ...texts];

/**
 * Reads a stack's file, and refuses what the CLI does not read as everybody would.
 *
 * @param project the Pulumi project's name, which stands before keys that have no namespace
 * @throws the system's error when there is no such file; otherwise one with what is wrong, each with its line and remedy
 */
export function readStackFile(file: string, project: string): StackFile {
  const name = basename(file);
  if (!/\.(ya?ml|json)$/.test(name)) throw new Error(`${name} must be named .yaml, for the CLI to read it`);
  const content = readYamlFile(file) ?? {};
  if (!isObject(content)) {
    throw new Error(`${name} holds ${kindOf(content)}; it must be an object with the key config`);
  }
  for (const key of Object.keys(content)) {
    const near = closest(key.toLowerCase(), known);
    if (known.includes(key) || distance(key.toLowerCase(), near) > 2) continue;
    throw new Error(`${name}: ${key} is set, and nothing reads it; did you mean ${near}?`);
  }
  for (const key of texts) {
    const value = content[key] ?? "";
    if (typeof value !== "object") continue;
    throw new Error(`${name}: ${key} is ${kindOf(value)}; it must be text: let pulumi stack init write it`);
  }
  const { config: given, ...rest } = content;
  const config = given ?? {};
  if (!isObject(config)) {
    throw new Error(
      `${name}: config is ${kindOf(config)}; it must be an object, such as\nconfig:\n  ${project}:KEY: VALUE`,
    );
  }
  return { config: withNamespace(config, project, name), rest };
}

/**
 * Reads a YAML file.
 * @throws the system's error when it cannot be read, or what is wrong with its content
 */
function readYamlFile(file: string): unknown {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EISDIR") throw error;
    throw new Error(`${file} is a folder; it must be a file`);
  }
  return readYaml(decode(bytes, file), basename(file));
}

/** Text without the mark that some editors begin UTF-8 with. */
function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${file} is no text in UTF-8: save it as that`);
  }
}

function withNamespace(
  config: Readonly<Record<string, unknown>>,
  project: string,
  name: string,
): Record<string, unknown> {
  const whole = new Map<string, unknown>();
  for (const [key, value] of Object.entries(config)) {
    const parts = key.split(":");
    if (parts.length > 2) {
      throw new Error(
        `${name}: ${key} is no key; one is NAMESPACE:NAME, such as ${parts[0]}:${parts.at(-1)}`,
      );
    }
    const wholeKey = parts.length === 2 ? key : `${project}:${key}`;
    if (whole.has(wholeKey)) {
      throw new Error(
        `${name}: ${wholeKey} is set twice, with its namespace and without: remove one of the two`,
      );
    }
    whole.set(wholeKey, value);
  }
  return Object.fromEntries(whole);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `the ${typeof value} ${JSON.stringify(value)}`;
}
