import { markdownTable } from "../scripts/table.ts";

/** One measured figure, with what it was measured beside in the same run. */
export interface Row {
  readonly what: string;
  readonly value: string;
  readonly beside?: string;
  readonly ratio?: number;
  readonly goal?: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = low] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
  return (low + high) / 2;
}

/** How long something takes, in seconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

export function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}

/** The rows as a table for a terminal, or for a note in Markdown. */
export function formatTable(rows: readonly Row[]): string {
  const header = ["measured", "value", "beside", "ratio", "goal"];
  const lines = rows.map(({ what, value, beside = "", ratio, goal = "" }) => [
    what,
    value,
    beside,
    ratio === undefined ? "" : ratio.toFixed(2),
    goal,
  ]);
  return markdownTable([header, ...lines]);
}
