/** Cells padded to the width of their column, so that joined rows stand under each other. */
export function padCells(rows: readonly (readonly string[])[]): string[][] {
  const columns = Math.max(0, ...rows.map(({ length }) => length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) => widths.map((width, column) => (row[column] ?? "").padEnd(width)));
}

/** Rows as lines for a terminal, two spaces between their columns. */
export function formatRows(rows: readonly (readonly string[])[]): string[] {
  return padCells(rows).map((row) => row.join("  ").trimEnd());
}
