import { isIP } from "node:net";

/** An environment variable: what it may hold, and what it stands for when it holds nothing. */
export interface Variable<T> {
  /** Undefined: not a value it may have. */
  readonly parse: (text: string) => T | undefined;
  /** What it may be, to end the sentence "… must be"; absent: anything, as long as it is set. */
  readonly allowed?: string;
  /** Its value when it is unset or empty; absent: it must be set, unless it is optional. */
  readonly fallback?: T;
  readonly optional?: true;
  /** Keeps the value out of error messages. */
  readonly secret?: true;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads environment variables; one that is set to nothing counts as unset. An optional one that is unset is left out.
 * @throws {Error} whose message has a line for each variable that is missing or wrong
 */
export function readVariables(
  environment: Environment,
  variables: Readonly<Record<string, Variable<unknown>>>,
): Record<string, unknown> {
  const problems: string[] = [];
  const entries = Object.entries(variables).flatMap(([name, variable]) => {
    const text = environment[name] || undefined;
    const value = text === undefined ? variable.fallback : variable.parse(text);
    if (value !== undefined) return [[name, value]];
    if (text !== undefined || !variable.optional) problems.push(problem(name, variable, text));
    return [];
  });
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return Object.fromEntries(entries);
}

function problem(name: string, { allowed, secret }: Variable<unknown>, text: string | undefined): string {
  const shown = secret ? "is wrong (its value is not shown)" : `is ${JSON.stringify(text)}`;
  const found = text === undefined ? "is not set" : shown;
  return `${name} ${found}${allowed === undefined ? "" : `; it must be ${allowed}`}`;
}

export function matching(pattern: RegExp, allowed?: string): Variable<string> {
  return {
    parse: (text) => (pattern.test(text) ? text : undefined),
    ...(allowed !== undefined && { allowed }),
  };
}

export function sha256(): Variable<string> {
  return matching(/^[0-9a-f]{64}$/, "a SHA-256 in 64 lower-case hexadecimal digits");
}

export function oneOf<T extends string>(values: readonly T[]): Variable<T> {
  return { parse: (text) => values.find((value) => value === text), allowed: `one of ${values.join(", ")}` };
}

export function trueOrFalse(): Variable<boolean> {
  const parse = (text: string) => (text === "true" || text === "false" ? text === "true" : undefined);
  return { parse, allowed: "true or false" };
}

/** Whether a text is a range of IPv4 or IPv6 in CIDR notation. */
function isRange(text: string): boolean {
  const [address = "", prefix = ""] = text.split("/");
  const version = isIP(address);
  return version !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}

export function ranges(): Variable<readonly string[]> {
  const parse = (text: string) => {
    const all = text.split(",").map((range) => range.trim());
    return all.every(isRange) ? all : undefined;
  };
  return { parse, allowed: "ranges such as 10.0.0.0/16, with commas between them" };
}

/** @param note what is counted, for messages */
export function wholeNumber(min: number, max: number, note: string): Variable<number> {
  const parse = (text: string) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  };
  return { parse, allowed: `a whole number from ${min} to ${max} (${note})` };
}
