import { readFileSync } from "node:fs";
import { join } from "node:path";
import { numbersFrom } from "./random.ts";

/** Values that readers of YAML disagree about, or may. */
export const suspects = [
  ..."010 017777 08 0o17 0O17 0b11 0B11 0x1F 0X1F -0x1F +0x1 -010 1_000 0x_1 _1 1__0 9007199254740991 9007199254740992 ".split(
    " ",
  ),
  ..."9007199254740993 -9007199254740993 18446744073709551616 1e3 1E3 1e+3 1e400 1e-400 1.0 1. .5 -.5 +5 -0 -0.0 00 0. ".split(
    " ",
  ),
  ..."1.7976931348623157e308 123456789.125 1e20 1e21 1e-6 1e-7 0.1 .nan .NaN .inf -.inf +.INF nan Infinity yes no on off ".split(
    " ",
  ),
  ..."Yes y n true True TRUE tRUE false null Null ~ 190:20:30 12:30 2001-12-14 2001-1-1 2001-12-14T21:59:43Z << = ! & * - ".split(
    " ",
  ),
  ..."'5' \"5\" '010' \"\" '' '~' 'true' [] {} [~] {a:1} [1,] [,] {a,b} {a:} !!str !!int !foo !!binary &x *x &x5 @a `a %a ".split(
    " ",
  ),
  "",
  "2001-12-14 21:59:43",
  "!!str 5",
  "!!int '5'",
  "!!binary aGk=",
  "!foo bar",
  "! 5",
  "&x 5",
  "{ a: 1, b: [1, 2] }",
  "{ a: 1, a: 2 }",
  "{ 1: a, true: b }",
  "{ <<: { a: 1 }, b: 2 }",
  "{ 'a': 1, \"b\": 2 }",
  "{ a: { b: { c: ~ } } }",
  "[a: 1, b]",
  "[[1], [2, [3]]]",
  "[1, 010, 'x', \"y\", ~, true]",
  "['a\n    b', c]",
  "'it''s'",
  '"a\\tb\\u00e9\\n\\x41\\"\\\\"',
  '"a\\\n      b"',
  "'a\n\n      b'",
  "a\n      b",
  "a\n\n      b",
  "a # comment",
  "a#b",
  "a: b",
  "a:b",
  "a 'b' \"c\"",
  "|\n      a\n       b\n\n      c",
  "|-\n      a",
  "|+\n      a\n\n",
  ">\n      a\n      b\n\n      c",
  ">-\n      a\n       b\n      c",
  "|2\n        a",
  "|\n      # a\n      b: c",
  "<b>&amp; \u00e9 \u{1f600}",
  "\n      - 1\n      - a: b\n        c: d\n      -\n        - x",
  "\n    - 1\n    - 2",
  "\n      a: 1\n      'b': 2",
  "\n      ? a\n      : b",
  "&n { a: &m 1, b: *m }",
  "&s [*s]",
];

const pieces = [
  ...":,-?[]{}#&*!|>'\"%@`=~<.\\/_+".split(""),
  ..." \n\t".split(""),
  ...[
    "  ",
    "\n\n",
    "\r\n",
    "\r",
    ": ",
    " #",
    "- ",
    "? ",
    "---",
    "...",
    "\n---\n",
    "\n...\n",
    "''",
    '""',
    "\\n",
    "<<: ",
  ],
  ...[
    "&a ",
    "*a",
    "!!str ",
    "! ",
    "|\n",
    ">-\n",
    "\u00a0",
    "\u0085",
    "\u2028",
    "\ufeff",
    "\u0001",
    "\u{1f600}",
    "0",
    "0x",
    "1e9",
  ],
];

export interface Mutator {
  /** The next file, without its first line, `config:`; each key holds the number, so that several can be made one file. */
  next(number: number): string;
}

const root = join(import.meta.dirname, "../..");
const examples = ["Pulumi.local.yaml", "Pulumi.aws.yaml", "examples/aws-two-clusters.yaml"];

/** Makes stack files of this project's own and of single values, with values, characters and lines changed; the same from the same seed. */
export function mutatorFrom(seed: number): Mutator {
  const draw = numbersFrom(seed);
  const below = (count: number) => draw() % count;
  const one = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const bodies = examples.map((file) => {
    const text = readFileSync(join(root, file), "utf8");
    // What encrypts secrets stands after the configuration.
    return text.slice(text.indexOf("config:\n") + "config:\n".length).replace(/^\S[\s\S]*/m, "");
  });

  const small = (): string => {
    const lines = Array.from(
      { length: 1 + below(4) },
      (_, index) => `  switchyard:k${index}: ${one(suspects)}\n`,
    );
    return lines.join("");
  };
  const otherValue = (body: string): string => {
    const values = [...body.matchAll(/(?<=: |\[|, )[^\s,[\]{}#][^,[\]{}\n]*/g)];
    const value = values.length > 0 ? one(values) : undefined;
    if (!value) return body;
    return body.slice(0, value.index) + one(suspects) + body.slice(value.index + value[0].length);
  };
  const otherCharacters = (body: string): string => {
    const at = below(body.length + 1);
    return body.slice(0, at) + (below(4) === 0 ? "" : one(pieces)) + body.slice(at + below(3));
  };
  const otherLines = (body: string): string => {
    const lines = body.split("\n");
    const at = below(lines.length);
    const line = lines[at] ?? "";
    const changed = one([
      () => [],
      () => [line, line],
      () => [` ${line}`],
      () => [line.replace(/^ /, "")],
      () => [line.replace(/^ {2}/, "\t")],
      () => [`${line} `],
      () => [`${line} # comment`],
      () => ["", line],
      () => ["# comment", line],
      () => [line.replace(/ /g, "  ")],
      () => [line.replace(/: /, ":\n      ")],
      () => [line.replace(/, /g, ",\n    ")],
    ])();
    return [...lines.slice(0, at), ...changed, ...lines.slice(at + 1)].join("\n");
  };

  return {
    next(number) {
      const original = below(3) === 0 ? one(bodies) : small();
      let body = original.replaceAll(/^( *)(switchyard|aws):/gm, `$1$2:${number}-`);
      for (let count = below(4); count >= 0; count -= 1) {
        body = one([otherValue, otherValue, otherCharacters, otherLines])(body);
      }
      if (below(20) === 0) body = body.replaceAll("\n", "\r\n");
      return body.endsWith("\n") ? body : `${body}\n`;
    },
  };
}
