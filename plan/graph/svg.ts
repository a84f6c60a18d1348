import { type Layout, layoutOf, type PlacedBox, sizes, widthOf } from "./layout.ts";
import type { Fate, Graph } from "./model.ts";
import { type PlacedFlow, round } from "./routing.ts";

/** What stands before what changes, for who sees no colours. */
const marks: Readonly<Record<Fate, string>> = {
  delete: "−",
  replace: "±",
  create: "+",
  update: "~",
  same: "",
};

/** Colours of GitHub's own themes, which READMEs are read in; contrast on their ground is 4.5 at least. */
const style = `
  svg { background: #ffffff; font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .box { fill: #f6f8fa; stroke: #8c959f; }
  .title { font-size: 13px; font-weight: 600; fill: #1f2328; }
  .row, .label { font-size: 11px; fill: #57606a; }
  .note { font-size: 11px; font-weight: 600; fill: #1f2328; }
  .flow { fill: none; stroke: #57606a; stroke-width: 1.3; }
  .quiet { stroke-dasharray: 3 3; }
  .head { fill: #57606a; }
  .under { fill: #ffffff; opacity: 0.85; }
  .open { stroke: #cf222e; stroke-width: 2; }
  .opening { font-size: 11px; font-weight: 600; fill: #cf222e; }
  rect.create { stroke: #1a7f37; } rect.update { stroke: #9a6700; } rect.replace { stroke: #8250df; } rect.delete { stroke: #cf222e; stroke-dasharray: 5 3; }
  .changed { stroke-width: 2.5; }
  .create, .update, .replace, .delete { font-weight: 600; }
  text.create, tspan.create { fill: #1a7f37; } text.update, tspan.update { fill: #9a6700; } text.replace, tspan.replace { fill: #8250df; } text.delete, tspan.delete { fill: #cf222e; }
  .faded text { opacity: 0.6; } .faded rect { stroke-opacity: 0.5; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; }
    .box { fill: #161b22; stroke: #6e7681; }
    .title, .note { fill: #e6edf3; }
    .row, .label { fill: #9198a1; }
    .flow { stroke: #9198a1; } .head { fill: #9198a1; }
    .under { fill: #0d1117; }
    .open { stroke: #ff7b72; } .opening { fill: #ff7b72; }
    rect.create { stroke: #3fb950; } rect.update { stroke: #d29922; } rect.replace { stroke: #ab7df8; } rect.delete { stroke: #ff7b72; }
    text.create, tspan.create { fill: #3fb950; } text.update, tspan.update { fill: #d29922; } text.replace, tspan.replace { fill: #ab7df8; } text.delete, tspan.delete { fill: #ff7b72; }
  }
`;

/** A graph as SVG, for light and dark pages. */
export function renderSvg(graph: Graph): string {
  const layout = layoutOf(graph);
  const legend = legendOf(graph, layout);
  const height = layout.height + 26;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${height}" width="${layout.width}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(graph.isEdit ? `What changes in the stack ${graph.stack}` : `The stack ${graph.stack}`)}</title>`,
    `<style>${style}</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
    ...layout.flows.map(flowLine),
    ...layout.boxes.map((box) => boxGroup(box, graph.isEdit)),
    ...layout.flows.map(flowLabel).filter((line) => line !== ""),
    legend,
    "</svg>",
  ].join("\n")}\n`;
}

function flowLine({ flow, points, isLevel }: PlacedFlow): string {
  const back = flow.isBoth ? ' marker-start="url(#head)"' : "";
  return `<path class="flow${flow.isQuiet ? " quiet" : ""}" d="${isLevel ? swing(points) : curve(points)}" marker-end="url(#head)"${back}/>`;
}

/** A line that leaves and comes in level. */
function swing([start, end]: PlacedFlow["points"]): string {
  if (!start || !end) return "";
  const middle = Math.round((start.x + end.x) * 5) / 10;
  return `M${start.x} ${start.y} C${middle} ${start.y} ${middle} ${end.y} ${end.x} ${end.y}`;
}

/** A line through the middles between points, bent at the points. */
function curve(points: PlacedFlow["points"]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) return "";
  const bends = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? last;
    const isEnd = index === rest.length - 2;
    const [x, y] = isEnd ? [next.x, next.y] : [(point.x + next.x) / 2, (point.y + next.y) / 2];
    return `Q${point.x} ${point.y} ${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
  });
  return [`M${first.x} ${first.y}`, ...(bends.length > 0 ? bends : [`L${last.x} ${last.y}`])].join(" ");
}

function flowLabel({ flow, label: { x, y } }: PlacedFlow): string {
  if (!flow.label) return "";
  const width = round(widthOf(flow.label, sizes.row) + 6);
  return `<rect class="under" x="${round(x - width / 2)}" y="${round(y - 8)}" width="${width}" height="15" rx="3"/><text class="label" x="${x}" y="${round(y + 3.5)}" text-anchor="middle">${escaped(flow.label)}</text>`;
}

function boxGroup({ box, title, lines, badge, x, y, width, height }: PlacedBox, isEdit: boolean): string {
  const [left, top] = [round(x - width / 2), round(y - height / 2)];
  const isChanged = isEdit && box.fate !== "same";
  const classes = ["box", badge && !isChanged && "open", isChanged && `changed ${box.fate}`].filter(Boolean);
  let at = top + sizes.padding + sizes.head;
  const mark = isChanged ? `${marks[box.fate]} ` : "";
  const parts = [
    `<rect class="${classes.join(" ")}" x="${left}" y="${top}" width="${width}" height="${height}" rx="6"/>`,
    `<text class="title" x="${left + sizes.padding}" y="${at}">${escaped(cut(mark + title, sizes.head, width))}</text>`,
  ];
  at += sizes.title - sizes.head + 8;
  if (badge) {
    parts.push(
      `<text class="opening" x="${left + sizes.padding}" y="${at}">${escaped(cut(badge, sizes.row, width))}</text>`,
    );
    at += sizes.line;
  }
  for (const { text, row } of lines) {
    const fate = isEdit ? (row?.fate ?? "same") : "same";
    const kind = row ? `row${fate === "same" ? "" : ` ${fate}`}` : "note";
    const words = fate === "same" ? text : `${marks[fate]} ${text}`;
    parts.push(
      `<text class="${kind}" x="${left + sizes.padding}" y="${at}">${escaped(cut(words, sizes.row, width))}</text>`,
    );
    at += sizes.line;
  }
  const isFaded = isEdit && box.fate === "same" && box.rows.length > 0;
  return `<g${isFaded ? ' class="faded"' : ""}>${parts.join("")}</g>`;
}

function cut(text: string, size: number, width: number): string {
  const most = Math.floor((width - 2 * sizes.padding) / widthOf("a", size));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** What colours and marks mean, in a line below. */
function legendOf({ isEdit, boxes }: Graph, { height }: Layout): string {
  const fates = ["create", "update", "replace", "delete"] as const;
  const words = isEdit
    ? fates.map((fate) => `<tspan class="${fate}">${marks[fate]} ${fate}</tspan>`)
    : boxes.some(({ openings }) => openings.length > 0)
      ? ["red: faces the internet"]
      : ["nothing faces the internet"];
  const text = words.map((word) => (word.startsWith("<") ? word : `<tspan>${word}</tspan>`)).join(" &#160; ");
  return `<text class="label" x="14" y="${height + 10}">${text}</text>`;
}

function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replaceAll(/[&<>"]/g, (character) => names[character] ?? character);
}
