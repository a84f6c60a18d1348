/** The same numbers from 0 to below `limit` for the same seed: mulberry32. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

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
  const random = randomOf(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random(12) }, () => pieces[random(pieces.length)]).join(""),
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what makes a name bad
const bad = /[\x00-\x1f\x7f-\x9f\ufffd]|(^|\/)\.{0,2}(\/|$)/;

/** Whether a name is one that a file may have. */
export const isGood = (name: string) => !bad.test(name) && Buffer.byteLength(name) <= 1024;
