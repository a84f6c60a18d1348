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

/** Rows, of which the first is the header, as a table in Markdown that can also be read as it is. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")));
  const [titles = [], ...cells] = padCells(escaped);
  const format = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  const rule = `|${titles.map(({ length }) => "-".repeat(length + 2)).join("|")}|`;
  return [format(titles), rule, ...cells.map(format)].join("\n");
}

/** Milliseconds as seconds for a column of a table: `12.3`. */
export function inSeconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
