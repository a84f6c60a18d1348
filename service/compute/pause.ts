/** The pause before what failed is tried again, in milliseconds; it doubles to the longest, and each is between half and one and a half of it. */
const firstMs = 10_000;
const longestMs = 300_000;

/** How long to wait after so many failures in a row, in milliseconds. */
export function pauseAfter(failures: number): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1)) * (0.5 + Math.random());
}
