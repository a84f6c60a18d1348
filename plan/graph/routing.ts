import type { PlacedBox } from "./layout.ts";
import type { Flow } from "./model.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedFlow {
  readonly flow: Flow;
  readonly points: readonly Point[];
  /** The middle of where its label stands. */
  readonly label: Point;
  /** It leaves and comes in level, past nothing, from the first point to the last. */
  readonly isLevel?: boolean;
}

/** How far apart flows begin and end at a box, in pixels. */
const apart = 14;

export const round = (value: number) => Math.round(value * 10) / 10;

/**
 * From the right side of one box to the left side of another, beside the other flows of both in the order of where they
 * come from and lead to; undefined where that is no way, or a box is in it.
 */
export function levelRoute(
  flow: Flow,
  flows: readonly Flow[],
  boxes: readonly PlacedBox[],
): PlacedFlow | undefined {
  const at = new Map(boxes.map((one) => [one.box.id, one]));
  const [source, target] = [at.get(flow.from), at.get(flow.to)];
  if (!source || !target) return undefined;
  const height = (id: string) => at.get(id)?.y ?? 0;
  const offset = (own: string, all: readonly string[], box: PlacedBox) => {
    const sorted = all.toSorted((a, b) => height(a) - height(b));
    const step = Math.min(apart, (box.height - apart) / sorted.length);
    return (sorted.indexOf(own) - (sorted.length - 1) / 2) * step;
  };
  const leaving = flows.filter(({ from }) => from === flow.from).map(({ to }) => to);
  const coming = flows.filter(({ to }) => to === flow.to).map(({ from }) => from);
  const start = {
    x: round(source.x + source.width / 2),
    y: round(source.y + offset(flow.to, leaving, source)),
  };
  const end = {
    x: round(target.x - target.width / 2),
    y: round(target.y + offset(flow.from, coming, target)),
  };
  const [top, bottom] = [Math.min(start.y, end.y), Math.max(start.y, end.y)];
  const isBlocked = boxes.some(
    (one) =>
      one !== source &&
      one !== target &&
      one.x + one.width / 2 > start.x &&
      one.x - one.width / 2 < end.x &&
      one.y + one.height / 2 > top &&
      one.y - one.height / 2 < bottom,
  );
  if (end.x <= start.x || isBlocked) return undefined;
  const label = { x: round((start.x + end.x) / 2), y: round((start.y + end.y) / 2) };
  return { flow, points: [start, end], label, isLevel: true };
}
