/** The greatest weight of a member of Octavia's pools. */
const mostWeight = 256;

/** A cluster's share of what matches no path, and how many machines have it together. */
interface Share {
  readonly weight: number;
  readonly machines: number;
}

function divisor(one: number, other: number): number {
  return other === 0 ? one : divisor(other, one % other);
}

/**
 * The weight of each cluster's machines in one pool of all machines, so that clusters get shares by their own weights
 * however many machines they have: exactly where that is possible with weights to 256, else as near as those come. 0: a
 * cluster that gets nothing.
 */
export function weightsOf(shares: readonly Share[]): number[] {
  const common = shares.reduce(
    (product, { machines }) => (machines > 0 ? (product * machines) / divisor(product, machines) : product),
    1,
  );
  const exact = shares.map(({ weight, machines }) => (machines > 0 ? (weight * common) / machines : 0));
  const shared = exact.reduce(divisor, 0) || 1;
  const least = exact.map((weight) => weight / shared);
  const most = Math.max(...least);
  if (most <= mostWeight) return least;
  return least.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.round((weight * mostWeight) / most))));
}
