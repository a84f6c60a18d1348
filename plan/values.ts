import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { secretText } from "./stack.ts";

/** How a plan shows a value that only a deployment will tell. */
export const unknownText = "[unknown]";

/** What the wire says for an unknown value (`unknownValue` in @pulumi/pulumi/runtime/rpc.js, as all constants here). */
export const wireUnknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const signatureKey = "4dabf18193072939515e22adb298388d";
const signatures = {
  secret: "1b47061264138c4ac30d75fd1eb44270",
  asset: "c44067f5952c0a294b673a41bacd8c17",
  archive: "0def7320c3a5731c473e5ecbe6d01bc7",
  resource: "5cf8f73096256a8f31e491e813e4eb8e",
  output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
} as const;

type Tagged = Readonly<Record<string, unknown>>;

function signatureOf(value: object): unknown {
  return (value as Tagged)[signatureKey];
}

/** Whether a value is marked as secret, as the wire and a stack's state have it. */
export function isWireSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && signatureOf(value) === signatures.secret;
}

/** Marks a value as secret, for the wire; one that is marked already stays as it is. */
export function wireSecret(value: unknown): unknown {
  return isWireSecret(value) ? value : { [signatureKey]: signatures.secret, value };
}

/**
 * Properties as transforms get them: secrets and unknown values as outputs (the SDK makes `Output`s of these), and so a
 * property that depends on resources.
 * @param dependencies URNs by property
 */
export function toOutputs(
  properties: Tagged,
  dependencies: ReadonlyMap<string, readonly string[]>,
): Record<string, unknown> {
  return mapSorted(properties, (value, key) => {
    const urns = dependencies.get(key) ?? [];
    const output = toOutput(value);
    if (urns.length === 0) return output;
    const isOutput =
      typeof output === "object" && output !== null && signatureOf(output) === signatures.output;
    return {
      ...(isOutput ? output : { [signatureKey]: signatures.output, value: output }),
      dependencies: [...urns],
    };
  });
}

function toOutput(value: unknown): unknown {
  if (value === wireUnknown) return { [signatureKey]: signatures.output };
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(toOutput);
  if (signatureOf(value) !== signatures.secret) return mapSorted(value as Tagged, toOutput);
  const { value: content } = value as Tagged;
  const known = content === wireUnknown ? {} : { value: content };
  return { [signatureKey]: signatures.output, secret: true, ...known };
}

/** The reverse of `toOutputs`; what the outputs depended on is gone. */
export function fromOutputs(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(fromOutputs);
  const tagged = value as Tagged;
  if (signatureOf(value) !== signatures.output) return mapSorted(tagged, fromOutputs);
  const content = "value" in tagged ? fromOutputs(tagged.value) : wireUnknown;
  return tagged.secret === true ? wireSecret(content) : content;
}

/** URNs that the outputs in a value depend on. */
export function dependenciesIn(value: unknown): Set<string> {
  if (typeof value !== "object" || value === null) return new Set();
  const own = signatureOf(value) === signatures.output ? (value as Tagged).dependencies : undefined;
  const below = Object.values(value).flatMap((part) => [...dependenciesIn(part)]);
  return new Set([...((own as string[] | undefined) ?? []), ...below]);
}

/**
 * A value from the wire as a plan shows it: secrets and unknowns as words, a resource by its id (a component by its
 * URN), files by their place in the project and their hash, objects with their keys in order.
 * @param root the project's folder
 */
export function fromWire(value: unknown, root: string): unknown {
  if (value === wireUnknown || (typeof value === "number" && !Number.isFinite(value))) return unknownText;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => fromWire(item, root));
  const tagged = value as Tagged;
  switch (signatureOf(value)) {
    case signatures.secret:
      return secretText;
    case signatures.asset:
    case signatures.archive:
      return fileContent(tagged, root);
    case signatures.resource:
      return fromWire(tagged.id || tagged.urn, root);
    default:
      return mapSorted(tagged, (part) => fromWire(part, root));
  }
}

function mapSorted(object: Tagged, map: (value: unknown, key: string) => unknown): Record<string, unknown> {
  const keys = Object.keys(object).sort();
  return Object.fromEntries(keys.map((key) => [key, map(object[key], key)]));
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** An asset or archive by what is in it, never by where this machine has it. */
function fileContent({ path, text, uri, assets }: Tagged, root: string): unknown {
  if (typeof path === "string" && path !== "") {
    const file = resolve(root, path);
    const inside = relative(root, file).replaceAll("\\", "/");
    return { path: inside.startsWith("..") ? basename(file) : inside, sha256: pathHash(file) };
  }
  if (typeof text === "string") return { text, sha256: sha256(text) };
  if (assets) return { assets: mapSorted(assets as Tagged, (part) => fromWire(part, root)) };
  return { uri };
}

/** SHA-256 of a file; of a folder, of its files' names and hashes; `missing` when there is nothing. */
function pathHash(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return "missing";
  if (!stat.isDirectory()) return sha256(readFileSync(file));
  const entries = readdirSync(file).sort();
  return sha256(entries.map((entry) => `${entry}\0${pathHash(join(file, entry))}\n`).join(""));
}

/** Adds every text that is inside a secret of `value`, so that it can be masked where else it stands. */
export function collectSecrets(value: unknown, secrets: Set<string>, isSecret = false): void {
  if (typeof value === "string" && isSecret && value !== wireUnknown) secrets.add(value);
  if (typeof value !== "object" || value === null) return;
  const inside = isSecret || signatureOf(value) === signatures.secret;
  for (const [key, part] of Object.entries(value)) {
    if (key !== signatureKey) collectSecrets(part, secrets, inside);
  }
}

/**
 * A function that replaces secrets by `[secret]` in every text of a value, also where they are part of JSON. Like the
 * CLI (`replacements` in sdk/go/common/util/logging/log.go) it leaves texts of less than three characters.
 */
export function masker(secrets: ReadonlySet<string>): <T>(value: T) => T {
  const words = [...secrets].flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  const masked = [...new Set(words)].filter(({ length }) => length >= 3);
  if (masked.length === 0) return (value) => value;
  const longestFirst = masked.sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map((word) => RegExp.escape(word)).join("|"), "g");
  const mask = (value: unknown): unknown => {
    if (typeof value === "string") return value.replace(pattern, secretText);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(mask);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [mask(key), mask(part)]));
  };
  return (value) => mask(value) as typeof value;
}
