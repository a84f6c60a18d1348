import { isDeepStrictEqual, stripVTControlCharacters, styleText } from "node:util";
import { parseUrn } from "../../operations/urn.ts";
import type { Change } from "../changes.ts";
import { simpleType } from "../labels.ts";
import { readable } from "../names.ts";
import { flow, visible } from "../texts.ts";
import type { Compared } from "./compare.ts";
import type { Comparison, Finding, ResourceChange } from "./comparison.ts";
import { changedLines, type Difference, documentOf } from "./differences.ts";
import type { Group } from "./groups.ts";

export type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

export const colored: Style = (format, text) => styleText(format, text, { validateStream: false });
export const plain: Style = (_, text) => text;

/** The width of a terminal that comparisons are made for, in characters. */
const width = 80;
/** Lines of one document's differences that are shown before the rest is folded. */
const mostLines = 24;
/** Unchanged lines around each changed one. */
const context = 1;
/** The longest value that is shown, in characters. */
const longestValue = 240;

/** What a comparison says, for a terminal. */
export function renderComparison(compared: Compared, style: Style = plain): string {
  const { base, head, changes, summary, stack } = compared.comparison;
  const title = style("bold", `${stack}: ${base} → ${head}`);
  if (changes.length === 0 && summary.length === 0) return `${title}\nNothing changes.\n`;
  const sections = [
    title,
    summary.flatMap((finding) => findingLines(finding, style)).join("\n"),
    ...(changes.length > 0 ? [countLine(compared.comparison), renderDetails(compared, style)] : []),
    wrap(unknowns, "", "")
      .map((line) => style("dim", line))
      .join("\n"),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** Each resource that changes, by cause. */
export function renderDetails({ comparison, groups }: Compared, style: Style = plain): string {
  const byUrn = new Map(comparison.changes.map((change) => [change.urn, change]));
  const grouped = new Set(
    groups.flatMap(({ roots, consequences }) => [...roots, ...consequences]).map(({ urn }) => urn),
  );
  const rest = comparison.changes.filter(({ urn }) => !grouped.has(urn));
  return [
    ...groups.flatMap((group) => groupLines(group, byUrn, style)),
    ...rest.flatMap((change) => [headline([change], style), ...detailLines(change, style)]),
  ].join("\n");
}

/** What comparisons of plans cannot know. */
export const unknowns =
  "Compared without the deployed state: what was changed by hand, and what a deployment that failed left, is not in it.";

const marks = { danger: "!!", caution: " !", notice: "  " } as const;
const colors = { danger: "red", caution: "yellow", notice: "reset" } as const;

function findingLines({ severity, text }: Finding, style: Style): string[] {
  return wrap(visible(text).replaceAll("\n", " "), `${marks[severity]} `, "   ").map((line) =>
    style(colors[severity], line),
  );
}

/** `2 to create, 1 to replace, 40 stay the same`. */
export function countLine({ changeSummary }: Comparison): string {
  const { same = 0, ...others } = changeSummary;
  const parts = Object.entries(others).map(([op, count]) => `${count} to ${op}`);
  return `Resources: ${[...parts, `${same} the same`].join(", ")}.`;
}

function groupLines(
  { title, roots, differences, consequences }: Group,
  byUrn: ReadonlyMap<string, ResourceChange>,
  style: Style,
): string[] {
  const lines: string[] = [];
  if (title !== undefined) lines.push(...wrap(title, "", "  ").map((line) => style("bold", line)));
  const indent = title === undefined ? "" : "  ";
  const told = roots.flatMap(({ urn }) => byUrn.get(urn) ?? []);
  const [first] = told;
  if (first) {
    lines.push(...wrap(headline(told, style), indent, `${indent}  `));
    // All of a group have the same differences.
    lines.push(...detailLines({ ...first, diff: differences }, style).map((line) => indent + line));
  }
  const also = countedChanges(consequences);
  if (also) lines.push(...wrap(title === undefined ? `so also ${also}` : also, "  ", "    "));
  return lines;
}

/** `create Group one, 3 Subnet; update Listener http`. */
export function countedChanges(changes: readonly Change[]): string {
  const verbs = Map.groupBy(changes, verbOf);
  const parts = [...verbs].map(([verb, all]) => {
    const types = Map.groupBy(all, ({ urn }) => simpleType(parseUrn(urn).type));
    const names = [...types].map(([type, some]) =>
      some.length === 1 ? readable(some[0]?.urn ?? "") : `${some.length} ${type}`,
    );
    return `${verb} ${names.join(", ")}`;
  });
  return parts.join("; ");
}

interface Verbal {
  readonly op: string;
  readonly deletesFirst?: boolean;
}

function verbOf({ op, deletesFirst }: Verbal): string {
  return op === "replace" && deletesFirst ? "delete and replace" : op;
}

const verbColors: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  create: "green",
  delete: "red",
  replace: "magenta",
  update: "yellow",
};

/** Of resources of one type that change alike: `update MachineGroup one, two`. */
function headline(changes: readonly ResourceChange[], style: Style): string {
  const [change] = changes;
  if (!change) return "";
  const { op, from, mayReplace, retained } = change;
  const verb =
    op === "same" ? "options of" : mayReplace ? "update or replace" : retained ? "leave" : verbOf(change);
  const [first = "", ...more] = changes.map(({ urn }) => readable(urn));
  const names = [first, ...more.map((name) => name.slice(name.lastIndexOf(" ") + 1))].join(", ");
  const former = from === undefined ? "" : `, which was ${from.split("::").slice(2).join(" ")}`;
  return `${style(verbColors[op] ?? "reset", verb)} ${style("bold", names)}${former}`;
}

interface Details extends Pick<ResourceChange, "options" | "why"> {
  readonly diff: readonly (Omit<Difference, "kind"> & { readonly kind: string })[];
}

function detailLines({ diff, options, why }: Details, style: Style): string[] {
  const moves = new Map(diff.flatMap((one) => movesOf(one, diff)));
  return [
    ...[...diff, ...options].flatMap((difference) => {
      const move = moves.get(difference);
      if (move === "told") return [];
      return move === undefined ? differenceLines(difference, style) : [`    ${move}`];
    }),
    ...why.flatMap((one) => wrap(one, "    ", "      ")).map((line) => style("dim", line)),
  ];
}

type Told = Details["diff"][number];

/** An item that goes from one place of a list and comes to another. */
function movesOf(one: Told, all: Details["diff"]): [Told, string][] {
  const list = (path: string) => path.replace(/\[\d+\]$/, "[]");
  if (!one.path.endsWith("]") || !("old" in one) || "new" in one) return [];
  const other = all.find(
    (twin) => !("old" in twin) && list(twin.path) === list(one.path) && isDeepStrictEqual(twin.new, one.old),
  );
  return other
    ? [
        [one, `${one.path} is now ${other.path}`],
        [other, "told"],
      ]
    : [];
}

function differenceLines(difference: Omit<Difference, "kind">, style: Style): string[] {
  const { path, old, new: now } = difference;
  const [before, after] = [documentOf(old), documentOf(now)];
  const isBoth = (before !== undefined || old === undefined) && (after !== undefined || now === undefined);
  if (isBoth) return [`    ${path}:`, ...patchLines(before ?? "", after ?? "", style)];
  const [was, is] = [valueText(old), valueText(now)];
  const line =
    old === undefined
      ? `${path}: ${is} (new)`
      : now === undefined
        ? `${path}: ${was} (removed)`
        : `${path}: ${was} → ${is}`;
  const isClear = old === undefined || now === undefined || !`${was}${is}`.includes("→");
  if (isClear && line.length + 4 <= width) return [`    ${line}`];
  return [
    `    ${path}:`,
    ...(old === undefined ? [] : wrap(was, "      - ", "        ").map((text) => style("red", text))),
    ...(now === undefined ? [] : wrap(is, "      + ", "        ").map((text) => style("green", text))),
  ];
}

function valueText(value: unknown): string {
  const text = visible(typeof value === "string" ? value : flow(value ?? "")).replaceAll("\n", "⏎");
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}

/** Two documents line by line: what goes and comes, and a line around it. */
function patchLines(before: string, after: string, style: Style): string[] {
  const lines = changedLines(visible(before), visible(after), context);
  const more = lines.length - mostLines;
  const shown = more > 1 ? [...lines.slice(0, mostLines), `… ${more} more`] : lines;
  return shown.map((line) => {
    const text = `      ${line}`;
    const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
    return line.startsWith("+") ? style("green", cut) : line.startsWith("-") ? style("red", cut) : cut;
  });
}

/** Breaks a text at spaces. A word that is longer than a line stays whole. */
export function wrap(text: string, first: string, rest: string): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && plainLength(line) + 1 + plainLength(word) > width) {
      lines.push(line);
      line = rest;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

function plainLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
