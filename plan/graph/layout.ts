import { Graph as Dagre, layout as place } from "@dagrejs/dagre";
import { type Box, type Graph, portsOf, titleOf } from "./model.ts";
import { levelRoute, type PlacedFlow, type Point, round } from "./routing.ts";

export interface Line {
  readonly text: string;
  readonly row?: Box["rows"][number];
}

/** A box with its place: its middle, in pixels from the upper left corner. */
export interface PlacedBox {
  readonly box: Box;
  readonly title: string;
  readonly lines: readonly Line[];
  readonly badge?: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly PlacedBox[];
  readonly flows: readonly PlacedFlow[];
}

/** Heights of a title, a note and a row, and what is around them, in pixels. */
export const sizes = { title: 22, line: 15, padding: 8, row: 11, head: 13 } as const;
/** How wide a letter of a sans-serif font is on average, of its size: DejaVu's, which are wide, and bold ones. */
const letters = { plain: 0.58, bold: 0.67 } as const;
const widest = 208;
const narrowest = 96;

/** How wide a text is about, in pixels. */
export function widthOf(text: string, size: number, weight: keyof typeof letters = "plain"): number {
  return text.length * size * letters[weight];
}

/** Puts the boxes of a graph from left to right, as data flows. */
export function layoutOf({ boxes, flows }: Graph): Layout {
  const drawn = boxes.map(measured);
  const dagre = new Dagre({ multigraph: true });
  dagre.setGraph({ rankdir: "LR", nodesep: 18, ranksep: 48, edgesep: 10, marginx: 12, marginy: 12 });
  for (const { box, width, height } of drawn) dagre.setNode(box.id, { width, height });
  for (const { from, to, label } of flows) {
    const size = label ? { width: widthOf(label, sizes.row) + 8, height: sizes.line, labelpos: "c" } : {};
    dagre.setEdge(from, to, { ...size, minlen: 1 });
  }
  const clusters = boxes.filter(({ kind }) => kind === "cluster");
  place(dagre, {
    constraints: clusters.slice(1).map(({ id }, index) => ({ left: clusters[index]?.id ?? id, right: id })),
  });
  const { width = 0, height = 0 } = dagre.graph();
  const placed = drawn.map((one) => {
    const { x = 0, y = 0 } = dagre.node(one.box.id);
    return { ...one, x: round(x), y: round(y) };
  });
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    boxes: placed,
    flows: flows.map((flow) => {
      const { points = [], x = 0, y = 0 } = dagre.edge(flow.from, flow.to);
      return (
        levelRoute(flow, flows, placed) ?? {
          flow,
          points: (points as Point[]).map((point) => ({ x: round(point.x), y: round(point.y) })),
          label: { x: round(x), y: round(y) },
        }
      );
    }),
  };
}

function measured(box: Box): Omit<PlacedBox, "x" | "y"> {
  const title = titleOf(box);
  const lines: Line[] = [
    ...(box.note === undefined ? [] : [{ text: box.note }]),
    ...box.rows.map((row) => ({ text: row.count === 1 ? row.type : `${row.type} × ${row.count}`, row })),
  ];
  const everybody = box.openings.some(({ from }) => from.endsWith("/0"));
  const from = [...new Set(box.openings.map((opening) => opening.from))];
  const badge =
    box.openings.length === 0
      ? undefined
      : `${portsOf(box.openings)} ← ${everybody ? "everybody" : from.length === 1 ? from[0] : `${from.length} ranges`}`;
  const texts = [
    widthOf(`${title}  `, sizes.head, "bold"),
    ...lines.map(({ text, row }) =>
      row?.fate === "same" ? widthOf(text, sizes.row) : widthOf(`${text}  `, sizes.row, "bold"),
    ),
    widthOf(badge ?? "", sizes.row, "bold"),
  ];
  const width = Math.min(
    widest,
    Math.max(narrowest, ...texts.map((text) => Math.ceil(text) + 2 * sizes.padding)),
  );
  const height =
    sizes.title +
    (lines.length + (badge ? 1 : 0)) * sizes.line +
    2 * sizes.padding -
    (lines.length === 0 ? 4 : 0);
  return { box, title, lines, ...(badge && { badge }), width, height };
}
