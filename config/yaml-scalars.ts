/** What text without quotes means, or, where that is not the same to everybody, what to do about it. */
export type Reading = { readonly value: unknown } | { readonly problem: string };

const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);

const quote = "put quotes around it";

/**
 * Reads a scalar that has no quotes, no tag and one meaning: the same by YAML 1.2's core schema and by the Pulumi CLI, which
 * reads with Go's `yaml.v3`, that is by parts of YAML 1.1. `yes`, `off` and `12:30` are text to both.
 */
export function readPlain(text: string): Reading {
  if (words.has(text)) return { value: words.get(text) };
  if (/^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/.test(text)) {
    return { problem: `it is no number that configuration can hold: write another, or ${quote}` };
  }
  // What begins so may be a time, of which Go reads more forms than others.
  if (/^\d{4}-\d{1,2}-\d{1,2}([Tt ]|$)/.test(text)) {
    return { problem: `it is a date to the Pulumi CLI, which writes dates in another way: ${quote}` };
  }
  if (/^(0x[\da-fA-F]+|[-+]?(0|[1-9]\d*))$/.test(text)) return exact(text);
  if (/^[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(text)) return finite(text);
  const other = goNumber(text.replaceAll("_", ""));
  if (other === undefined || !/^[-+.\d]/.test(text)) return { value: text };
  return {
    problem: `it is ${other} to the Pulumi CLI and something else to others: write a plain decimal number, or ${quote}`,
  };
}

function exact(text: string): Reading {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return { value };
  return {
    problem: `integers are exact only up to ${Number.MAX_SAFE_INTEGER}: write a smaller one, or ${quote}`,
  };
}

function finite(text: string): Reading {
  const value = Number(text);
  return Number.isFinite(value)
    ? { value }
    : { problem: `it is too large for a number: write a smaller one, or ${quote}` };
}

/** The number that Go's `yaml.v3` takes text for, its underscores removed; undefined where it is text to it as well. */
function goNumber(text: string): string | undefined {
  const [, sign = "", prefix = "", digits = ""] =
    /^([-+]?)(0[bB](?=[01]+$)|0[oO]?(?=[0-7]+$)|0[xX](?=[\da-fA-F]+$))([\da-fA-F]+)$/.exec(text) ?? [];
  if (digits !== "") {
    const base = prefix.toLowerCase() === "0" ? "0o" : prefix.toLowerCase();
    return `${sign === "-" ? "-" : ""}${BigInt(base + digits)}`;
  }
  const [, mark, signed] = /^(?:(0b)(?=.[01]+$)|0o(?=.[0-7]+$))([-+]\d+)$/.exec(text) ?? [];
  if (signed) return String(Number.parseInt(signed, mark ? 2 : 8));
  return /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(text) ? String(Number(text)) : undefined;
}
