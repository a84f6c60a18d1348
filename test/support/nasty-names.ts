import { numbersFrom } from "./random.ts";

const pieces = [
  ..."abcXYZ019 ._-~!$&'()*+,;=:@%#?/\\\"<>[]{}|^`éß中🎉",
  ...[
    "..",
    ".",
    "//",
    "../",
    "..\\",
    "%2e%2e",
    "%2f",
    "%00",
    "%25",
    "%22",
    "%0a",
    "\u202e",
    "\ufeff",
    "e\u0301",
  ],
  ...[
    "\0",
    "\n",
    "\r",
    "\t",
    "\x7f",
    "\x85",
    "\ufffd",
    "CON",
    "~root",
    "$(id)",
    "`id`",
    "-rf",
    ".htaccess",
    "a".repeat(200),
  ],
];

/** Names of files that are hard on URLs, shells, forms and file systems; the same for the same seed. */
export function nastyNames(count: number, seed: number): string[] {
  const next = numbersFrom(seed);
  const random = (limit: number) => next() % limit;
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random(12) }, () => pieces[random(pieces.length)]).join(""),
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what makes a name bad
const bad = /[\x00-\x1f\x7f-\x9f\ufffd]|(^|\/)\.{0,2}(\/|$)/;

/** Whether a name is one that a file may have. */
export const isGood = (name: string) => !bad.test(name) && Buffer.byteLength(name) <= 1024;
