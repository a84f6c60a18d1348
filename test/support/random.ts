/** Pseudo-random whole numbers below 2 ** 32, the same from the same seed (mulberry32), so that a failing run can be repeated. */
export function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** The same numbers as fractions, in [0, 1). */
export function randomFrom(seed: number): () => number {
  const next = numbersFrom(seed);
  return () => next() / 2 ** 32;
}
