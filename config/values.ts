import * as v from "valibot";
import { isDay, isInstant } from "../service/schedules/schedule.ts";
import { reservedPath } from "../service/settings/reserved-paths.ts";
import { networkOf, parseCidr } from "./cidr.ts";

/**
 * What one key of the configuration is, for messages and for docs/configuration.md. A default that valibot does not
 * know, because it depends on the cloud or on another key, is given in words.
 */
export interface KeyNotes {
  /** What the value must be, to follow "it must be". */
  readonly expected?: string;
  readonly description?: string;
  readonly default?: string;
  /** A valid value of a top-level key. */
  readonly example?: unknown;
  /** As much of what a value without parts must be as JSON Schema can say. */
  readonly json?: JsonSchema;
}

/** A JSON Schema, or a part of one (https://json-schema.org/draft-07). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A schema as far as its structure is walked: for unknown keys, and for the documentation. */
export interface SchemaNode extends v.GenericSchema {
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly item?: SchemaNode;
  readonly wrapped?: SchemaNode;
  /** Of names that the configuration chooses, and what is at each. */
  readonly key?: SchemaNode;
  readonly value?: SchemaNode;
  readonly default?: unknown;
}

/** A schema without its `optional`. */
export function required(schema: SchemaNode): SchemaNode {
  return schema.wrapped ? required(schema.wrapped) : schema;
}

/** What is known of a key: its own notes, over those of the type of its value. */
export function notesOf(schema: SchemaNode): KeyNotes {
  return { ...(schema.wrapped && notesOf(schema.wrapped)), ...v.getMetadata(schema) };
}

/** A key of an object: its schema, what it is for, and its default in words where the schema does not have it. */
export function key<S extends v.GenericSchema>(description: string, schema: S, notes: KeyNotes = {}) {
  return v.pipe(schema, v.metadata({ description, ...notes }));
}

/** What to do about a wrong value, where more can be said than what the value must be. */
type Hint = (value: unknown) => string | undefined;

/** A value without parts. Its one message is `it must be <expected>`, and `(<hint>)` where there is a hint. */
function leaf<T>(expected: string, json: JsonSchema, accepts: (value: unknown) => boolean, hint?: Hint) {
  const message = (more: string | undefined) => `it must be ${expected}${more ? ` (${more})` : ""}`;
  return v.pipe(
    v.custom<T>(accepts, ({ input }) => message(hint?.(input))),
    v.metadata({ expected, json }),
  );
}

/** A string. A number or boolean in its place is YAML's reading of a string without quotes, and the message says so. */
function text(
  expected: string,
  json: JsonSchema,
  accepts: (value: string) => boolean,
  hint?: (value: string) => string | undefined,
) {
  return leaf<string>(
    expected,
    { type: "string", ...json },
    (value) => typeof value === "string" && accepts(value),
    (value) => {
      if (typeof value === "string") return hint?.(value);
      return ["number", "boolean"].includes(typeof value) ? "put quotes around it" : undefined;
    },
  );
}

/** One of a few words. */
export function oneOf<const T extends string>(values: readonly T[]) {
  return leaf<T>(`one of ${values.join(", ")}`, { enum: values }, (value) =>
    (values as readonly unknown[]).includes(value),
  );
}

/** A whole number, both limits included; digits in quotes are refused. */
export function integer(min: number, max: number) {
  return leaf<number>(
    `an integer from ${min} to ${max}`,
    { type: "integer", minimum: min, maximum: max },
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
    (value) => (typeof value === "string" && /^\d+$/.test(value) ? "without quotes" : undefined),
  );
}

/** An object with these keys. Unknown keys pass here: valibot would report only the first of them (see read.ts). */
export function object<E extends v.ObjectEntries>(entries: E) {
  const expected = `an object with ${Object.keys(entries).join(", ")}`;
  const message = (issue: v.ObjectIssue) => {
    const missing = issue.path && entries[String(issue.path[0].key)];
    return `it must be ${missing ? notesOf(missing as SchemaNode).expected : expected}`;
  };
  return v.pipe(v.object(entries, message), v.metadata({ expected }));
}

/** A list; `ifEmpty` says what to do about one without items, and lets it pass when absent. */
export function list<S extends v.GenericSchema>(item: S, ifEmpty?: string) {
  const expected = `a list, each item ${notesOf(item).expected}`;
  return v.pipe(
    v.array(item, `it must be ${expected}`),
    v.check(({ length }) => length > 0 || ifEmpty === undefined, ifEmpty),
    v.metadata({ expected, ...(ifEmpty !== undefined && { json: { minItems: 1 } }) }),
  );
}

/** Strings by names that the configuration chooses. */
export function strings(keys: v.GenericSchema<string, string>, values: v.GenericSchema<string, string>) {
  const expected = "an object whose values are strings";
  return v.pipe(v.record(keys, values, `it must be ${expected}`), v.metadata({ expected }));
}

export const boolean = leaf<boolean>(
  "true or false",
  { type: "boolean" },
  (value) => typeof value === "boolean",
  (value) => (value === "true" || value === "false" ? "without quotes" : undefined),
);

export const port = integer(1, 65535);

function cidr(expected: string, accepts: (prefix: number, first: number) => boolean) {
  return text(
    expected,
    { pattern: /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/.source },
    (value) => {
      const range = parseCidr(value);
      return range !== undefined && accepts(range.prefix, range.first);
    },
    (value) => {
      if (value.includes(":")) return "IPv6 is not supported";
      const network = networkOf(value);
      return network && network !== value ? `${network} would be right` : undefined;
    },
  );
}

export const addresses = cidr(
  "an IPv4 range in CIDR notation, such as 192.0.2.0/24",
  (prefix) => prefix >= 0,
);
export const networkCidr = cidr(
  "an IPv4 range in CIDR notation from /8 to /28, of addresses that machines may have",
  (prefix, first) => prefix >= 8 && prefix <= 28 && !isSpecial(first),
);

/** Whether a range is no machine's: this network, loopback, link-local, multicast or reserved (RFC 6890, section 2.2.2). */
function isSpecial(first: number): boolean {
  const [octet, next] = [Math.floor(first / 2 ** 24), Math.floor(first / 2 ** 16) % 256];
  return octet === 0 || octet === 127 || octet >= 224 || (octet === 169 && next === 254);
}

const shortNamePattern = /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/;

/**
 * Twenty characters, because an AWS load balancer or target group has a name of at most 32, of which Pulumi's random
 * suffix takes 8 and the program's own `-lb` the rest; a letter first, because Google Cloud's names begin with one.
 */
export const shortName = text(
  "1 to 20 lower-case letters, digits and hyphens, a letter first and no hyphen last, as clouds limit the names made of it",
  { pattern: shortNamePattern.source },
  (value) => shortNamePattern.test(value),
);

const peakNamePattern = /^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/;

/** Twelve characters, because Google Cloud's names have at most 63, of which a group's has its cluster's, its flavor's, its image's, and Pulumi's suffix. */
export const peakName = text(
  "named with 1 to 12 lower-case letters, digits and hyphens, a letter first and no hyphen last",
  { pattern: peakNamePattern.source },
  (value) => peakNamePattern.test(value),
);

export const day = text(
  "a day such as 2026-12-24, in quotes",
  { pattern: /^\d{4}-\d{2}-\d{2}$/.source },
  isDay,
);

const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/;

export const instant = text(
  "a time with its offset, such as 2026-12-24T08:00:00+01:00 or 2026-12-24T07:00:00Z, in quotes",
  { pattern: instantPattern.source },
  (value) => instantPattern.test(value) && isInstant(value),
);

const publicKeyTypes =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)$/;

/** An OpenSSH public key is `type base64 [comment]`, and the base64 repeats the type behind its length (RFC 4253, 6.6). */
function isPublicKey(value: string): boolean {
  const [, type = "", base64 = ""] = /^(\S+) ([A-Za-z0-9+/]+={0,2})( [^\r\n]*)?$/.exec(value) ?? [];
  const blob = Buffer.from(base64, "base64");
  return (
    publicKeyTypes.test(type) &&
    blob.length > 4 + type.length &&
    blob.readUInt32BE() === type.length &&
    blob.toString("latin1", 4, 4 + type.length) === type
  );
}

export const sshKey = text(
  "an OpenSSH public key, such as ssh-ed25519 AAAA… me@example.org",
  { pattern: /^\S+ [A-Za-z0-9+/]+={0,2}( [^\r\n]*)?$/.source },
  isPublicKey,
  (value) =>
    value.includes("PRIVATE KEY")
      ? "the public key is in the file that ends in .pub; make a new pair if anyone else could read this one"
      : undefined,
);

const clusterPathPattern = /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/;

/** Segments of RFC 3986's unreserved characters, none of them `.` or `..`; 100 fit every cloud's path rules (AWS: 128 with the wildcard). */
export const clusterPath = text(
  "a path such as /cluster1: segments of letters, digits and -._~, at most 100 characters, no slash at the end",
  { pattern: clusterPathPattern.source, maxLength: 100 },
  (value) => clusterPathPattern.test(value) && value.length <= 100 && !reservedPath(value),
  (value) => {
    if (value === "/") return "leave it out, and the cluster gets what matches no path";
    const reserved = reservedPath(value);
    return reserved && `the app itself answers ${reserved}`;
  },
);

const requestPathPattern = /^\/[\w.~%/-]{0,99}$/;

export const requestPath = text(
  "a path such as /healthz, at most 100 characters",
  { pattern: requestPathPattern.source },
  (value) => requestPathPattern.test(value),
);

const hostNamePattern = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;

export const hostName = text(
  "a host name such as api.example.org, in lower case",
  { pattern: hostNamePattern.source, maxLength: 253 },
  (value) => value.length <= 253 && hostNamePattern.test(value),
);

export const tagKey = text(
  "named with 1 to 128 characters",
  { minLength: 1, maxLength: 128 },
  (value) => value.length >= 1 && value.length <= 128,
);
export const tagValue = text(
  "a string of at most 256 characters",
  { maxLength: 256 },
  (value) => value.length <= 256,
);
export const physicalName = text(
  "a string of 1 to 255 characters",
  { minLength: 1, maxLength: 255 },
  (value) => value.length >= 1 && value.length <= 255,
);
const variableNamePattern = /^[A-Z][A-Z0-9_]{0,99}$/;

export const variableName = text(
  "named in capitals, such as LOG_LEVEL: 1 to 100 capital letters, digits and _, a letter first",
  { pattern: variableNamePattern.source },
  (value) => variableNamePattern.test(value),
);
const releasePattern = /^[0-9a-f]{64}$/;

export const releaseId = text(
  "a release's whole id, 64 hexadecimal digits in lower case, as `npm run releases -- --full` shows it",
  { pattern: releasePattern.source },
  (value) => releasePattern.test(value),
);

export const variableValue = text(
  "a string of one line and at most 1,000 characters, without control characters",
  { maxLength: 1000, pattern: "^[^\\p{Cc}]*$" },
  (value) => /^[^\p{Cc}\p{Cs}]{0,1000}$/u.test(value),
);
const wordPattern = /^\S{1,100}$/;

export const word = text(
  "a string of 1 to 100 characters without spaces",
  { pattern: wordPattern.source },
  (value) => wordPattern.test(value),
);

/** To the cent, as Google Cloud's budgets and CloudWatch's thresholds take it. */
export const money = leaf<number>(
  "a number from 0.01 to 1000000 with two decimals at most",
  { type: "number", minimum: 0.01, maximum: 1_000_000 },
  (value) =>
    typeof value === "number" && value >= 0.01 && value <= 1_000_000 && Number(value.toFixed(2)) === value,
  (value) => (typeof value === "string" && /^[\d.]+$/.test(value) ? "without quotes" : undefined),
);

const currencyPattern = /^[A-Z]{3}$/;

export const currency = text("a currency's code such as USD", { pattern: currencyPattern.source }, (value) =>
  currencyPattern.test(value),
);

const emailPattern = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i;

export const emailAddress = text(
  "an e-mail address such as me@example.org",
  { pattern: "^[^@\\s]{1,64}@[^@\\s]+\\.[^@\\s]+$", maxLength: 254 },
  (value) => value.length <= 254 && emailPattern.test(value),
);
