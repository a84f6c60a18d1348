import type { Occurrence, Schedule } from "./api.ts";
import { make } from "./dom.ts";
import { midnights, shown } from "./times.ts";

/** How many schedules have a row of their own; all are in the sum. */
const maxLanes = 60;

const svg = "http://www.w3.org/2000/svg";

interface Span {
  readonly from: number;
  readonly to: number;
  readonly occurrence: Occurrence;
}

/** Days are as wide as one another, whether they have 23 hours or 25. */
function placeOf(days: readonly number[]): (instant: number) => number {
  return (instant) => {
    const index = Math.max(
      0,
      days.findLastIndex((day) => day <= instant),
    );
    const [begin = 0, end = begin + 1] = days.slice(index);
    return Math.min(1, (Math.min(index, 6) + Math.min(1, (instant - begin) / (end - begin))) / 7);
  };
}

/** How many machines are asked for, from each instant at which that changes. */
function stepsOf(spans: readonly Span[]): [at: number, machines: number][] {
  const changes = new Map<number, number>();
  const add = (at: number, machines: number) => changes.set(at, (changes.get(at) ?? 0) + machines);
  for (const { from, to, occurrence } of spans) {
    add(from, occurrence.machines);
    add(to, -occurrence.machines);
  }
  let machines = 0;
  return [...changes]
    .sort(([one], [other]) => one - other)
    .map(([at, change]) => {
      machines += change;
      return [at, machines];
    });
}

/**
 * Draws a week: how many machines are asked for in all, and below it which schedule asks for them when.
 * @returns what it shows, in a sentence
 */
export function drawWeek(
  place: HTMLElement,
  monday: Date,
  schedules: readonly Schedule[],
  occurrences: readonly Occurrence[],
  maxMachines: number,
): string {
  const days = midnights(monday);
  const [begin = 0, end = 0] = [days[0], days[7]];
  const spans = occurrences
    .map((occurrence) => ({
      from: Math.max(begin, Date.parse(occurrence.asked)),
      to: Math.min(end, occurrence.end ? Date.parse(occurrence.end) : end),
      occurrence,
    }))
    .filter(({ from, to }) => from < to);
  const position = placeOf(days);
  const week = make("div", { class: "week" });
  const heads = make("div", { class: "heads" });
  const dayName = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "numeric" });
  heads.append(...days.slice(0, 7).map((day) => make("span", {}, dayName.format(day))));
  const steps = stepsOf(spans);
  const most = Math.max(0, ...steps.map(([, machines]) => machines));
  week.append(heads, drawTotal(steps, position, Math.max(most, maxMachines, 1), maxMachines));
  const names = new Map(schedules.map(({ id, name }) => [id, name]));
  const lanes = Map.groupBy(spans, ({ occurrence }) => occurrence.schedule);
  for (const [id, periods] of [...lanes].slice(0, maxLanes))
    week.append(drawLane(names.get(id) ?? id, periods, position));
  if (lanes.size > maxLanes)
    week.append(
      make("p", { class: "help" }, `${lanes.size - maxLanes} more schedules ask for machines in this week.`),
    );
  const now = Date.now();
  if (begin <= now && now < end) {
    const line = make("div", { class: "now", title: "now" });
    line.style.left = `${position(now) * 100}%`;
    week.append(line);
  }
  place.replaceChildren(week);
  scrollToNow(place, monday, begin <= now && now < end ? position(now) : 0);
  const first = steps.find(([, machines]) => machines === most);
  if (!first || most === 0) return "No schedule asks for machines in this week.";
  const when = shown(new Date(first[0]).toISOString());
  return `${lanes.size} ${lanes.size === 1 ? "schedule asks" : "schedules ask"} for at most ${most} of ${maxMachines} machines at once, first on ${when}.`;
}

/** Shows the part of another week that is of interest first; whoever has scrolled in this one stays where they are. */
function scrollToNow(place: HTMLElement, monday: Date, now: number): void {
  const name = monday.toDateString();
  if (place.dataset.week === name) return;
  place.dataset.week = name;
  place.scrollLeft = now * place.scrollWidth - place.clientWidth / 2;
}

function drawTotal(
  steps: readonly [number, number][],
  position: (instant: number) => number,
  top: number,
  limit: number,
): SVGElement {
  const chart = document.createElementNS(svg, "svg");
  chart.setAttribute("class", "total");
  chart.setAttribute("viewBox", `0 0 1000 ${top * 1.1}`);
  chart.setAttribute("preserveAspectRatio", "none");
  chart.setAttribute("aria-hidden", "true");
  const height = top * 1.1;
  let path = `M0 ${height}`;
  let level = height;
  for (const [at, machines] of steps) {
    const x = (position(at) * 1000).toFixed(2);
    path += `L${x} ${level}`;
    level = height - machines;
    path += `L${x} ${level}`;
  }
  const area = document.createElementNS(svg, "path");
  area.setAttribute("d", `${path}L1000 ${level}L1000 ${height}Z`);
  const line = document.createElementNS(svg, "line");
  for (const [name, value] of Object.entries({ x1: 0, x2: 1000, y1: height - limit, y2: height - limit }))
    line.setAttribute(name, String(value));
  chart.append(area, line);
  return chart;
}

function drawLane(
  name: string,
  periods: readonly Span[],
  position: (instant: number) => number,
): HTMLElement {
  const lane = make("div", { class: "lane" }, make("span", { class: "label", title: name }, name));
  for (const { from, to, occurrence } of periods) {
    const { start, end, machines } = occurrence;
    const until = end ? `to ${shown(end)}` : "until it is deleted";
    const bar = make("div", {
      class: "period",
      title: `${name}: ${machines} machines, ${shown(start)} ${until}`,
    });
    bar.style.left = `${position(from) * 100}%`;
    bar.style.width = `${(position(to) - position(from)) * 100}%`;
    lane.append(bar);
  }
  return lane;
}
