import { createHash } from "node:crypto";
import { styleText } from "node:util";
import { stringify } from "yaml";
import { parseUrn } from "../operations/urn.ts";
import type { InternetOpening } from "./openings.ts";
import { type Diagnostic, hasFailed, type Plan, type PlannedResource, type PlanStep } from "./plan.ts";
import { decoded, isLongText, plural } from "./texts.ts";

export interface TreeOptions {
  /** Everything there is about each resource, nothing folded. Default: false. */
  readonly full?: boolean;
  /** Default: false. */
  readonly color?: boolean;
  /** What is open to the internet. Default: nothing is said of it. */
  readonly openings?: readonly InternetOpening[] | undefined;
  /** What breaks rules, in lines. Default: none. */
  readonly violations?: readonly string[];
}

type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Lines of a long text that are shown before the rest is folded. */
const shownLines = 3;
/** The longest value that is shown beside a resource, in characters. */
const longestValue = 44;
/** The width that what is shown beside a resource stays within, in characters. */
const lineWidth = 96;

/** A plan for people: the resources as a tree, each with what matters most about it, outputs, and what was logged. */
export function renderTree(
  plan: Plan,
  stackName: string,
  { full = false, color = false, openings, violations = [] }: TreeOptions = {},
): string {
  const style: Style = color
    ? (format, text) => styleText(format, text, { validateStream: false })
    : (_, text) => text;
  const urns = new Set(plan.steps.map(({ urn }) => urn));
  const children = Map.groupBy(plan.steps, ({ newState: { parent } }) =>
    parent && urns.has(parent) ? parent : undefined,
  );
  const roots = children.get(undefined) ?? [];
  const root = roots.find(({ newState }) => newState.type === "pulumi:pulumi:Stack");
  const sections = [
    [style("bold", `Plan of the stack ${stackName}`)],
    roots.flatMap((step) => branch(step, "", "", { children, full, style })),
    outputLines(root?.newState.outputs),
    openings && !hasFailed(plan) ? openingLines(openings, style) : [],
    violations.map((line) => style("yellow", line)),
    diagnosticLines(plan.diagnostics, style),
    [summary(plan, style)],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

interface Drawing {
  readonly children: ReadonlyMap<string | undefined, readonly PlanStep[]>;
  readonly full: boolean;
  readonly style: Style;
}

function branch(step: PlanStep, first: string, rest: string, drawing: Drawing): string[] {
  const { children, full, style } = drawing;
  const below = children.get(step.urn) ?? [];
  const gutter = `${rest}${below.length > 0 ? "│ " : "  "}  `;
  const details = full ? allDetails(step.newState) : foldedTexts(step.newState);
  const lines = [
    `${first}${headline(step, countBelow(step, children), full, style)}`,
    ...details.map((line) => style("dim", `${gutter}${line}`.trimEnd())),
  ];
  for (const [index, child] of below.entries()) {
    const isLast = index === below.length - 1;
    lines.push(
      ...branch(child, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`, drawing),
    );
  }
  return lines;
}

function countBelow({ urn }: PlanStep, children: Drawing["children"]): number {
  return (children.get(urn) ?? []).reduce((sum, child) => sum + 1 + countBelow(child, children), 0);
}

function headline({ op, newState }: PlanStep, below: number, full: boolean, style: Style): string {
  const { name } = parseUrn(newState.urn);
  const words = [style("bold", name), style("cyan", newState.type)];
  if (op === "read") words.push(style("yellow", "read"));
  if (below > 0) words.push(`(${plural(below, "resource")})`);
  words.push(...badges(newState).map((badge) => style("yellow", badge)));
  const values = full ? "" : briefInputs(newState, name);
  if (values) words.push(style("dim", values));
  return words.join("  ");
}

function badges(resource: PlannedResource): string[] {
  const { protect, retainOnDelete, deleteBeforeReplace, ignoreChanges, replaceOnChanges } = resource;
  return [
    protect && "protected",
    retainOnDelete && "kept on delete",
    deleteBeforeReplace && "deleted before it is replaced",
    ignoreChanges && `ignores changes of ${ignoreChanges.join(", ")}`,
    replaceOnChanges && `replaced on changes of ${replaceOnChanges.join(", ")}`,
  ].filter((badge) => typeof badge === "string");
}

/** Inputs that are short and plain, as many as fit in a line. */
function briefInputs({ inputs = {} }: PlannedResource, name: string): string {
  const parts: string[] = [];
  let more = 0;
  let width = 0;
  for (const [key, value] of Object.entries(inputs)) {
    if ((key === "name" && value === name) || isLongText(value)) continue;
    const part = `${key}=${plainText(value)}`;
    if (plainText(value) === undefined || width + part.length > lineWidth) more += 1;
    else {
      parts.push(part);
      width += part.length + 1;
    }
  }
  return [...parts, ...(more > 0 ? [`+${more}`] : [])].join(" ");
}

function plainText(value: unknown): string | undefined {
  const isPlain = (one: unknown) => typeof one !== "object" || one === null;
  if (!isPlain(value) && !(Array.isArray(value) && value.every(isPlain))) return undefined;
  const text = Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
  return text.length <= longestValue ? text : undefined;
}

/** The lists of components are made for reading. */
function isLongList(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) && value.every((item) => typeof item === "string") && plainText(value) === undefined
  );
}

/** Scripts and the like: how they begin, and what tells them apart. */
function foldedTexts({ inputs = {}, custom }: PlannedResource): string[] {
  return Object.entries(inputs).flatMap(([key, input]) => {
    const value = decoded(input);
    if (!custom && isLongList(value)) return [`${key}:`, ...value.map((item) => `  ${item}`)];
    if (!isLongText(value)) return [];
    const lines = value.trimEnd().split("\n");
    const sha256 = createHash("sha256").update(value).digest("hex");
    const folded = `… ${plural(lines.length - shownLines, "more line")}, sha256 ${sha256.slice(0, 16)}…`;
    const shown = lines.length > shownLines + 1 ? [...lines.slice(0, shownLines), folded] : lines;
    const encoding = value === input ? "" : " (base64, decoded)";
    return [`${key}${encoding}:`, ...shown.map((line) => `  ${line}`)];
  });
}

function allDetails({ type: _, custom: __, parent: ___, ...details }: PlannedResource): string[] {
  return stringify(decodedInside(details), { lineWidth: 0, aliasDuplicateObjects: false })
    .trimEnd()
    .split("\n");
}

/** A copy in which base64 of texts is text, under a key that says so. */
function decodedInside(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodedInside);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const text = decoded(part);
      return text === part ? [key, decodedInside(part)] : [`${key} (base64, decoded)`, text];
    }),
  );
}

function outputLines(outputs: PlannedResource["outputs"]): string[] {
  if (!outputs) return [];
  const lines = stringify(outputs, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split("\n");
  return ["Outputs", ...lines.map((line) => `  ${line}`)];
}

function openingLines(openings: readonly InternetOpening[], style: Style): string[] {
  if (openings.length === 0) return ["Nothing is open to the internet."];
  const lines = openings.map(({ name, port, from }) => {
    const everybody = /\/0$/.test(from);
    const line = `  ${port} from ${from}${everybody ? ", everybody" : ""}  (${name})`;
    return everybody ? style("yellow", line) : line;
  });
  return ["Open to the internet", ...lines];
}

/** Grouped by resource, as the CLI shows them. */
function diagnosticLines(diagnostics: readonly Diagnostic[], style: Style): string[] {
  if (diagnostics.length === 0) return [];
  const groups = Map.groupBy(diagnostics, ({ urn }) => urn);
  const lines = [...groups].flatMap(([urn, group]) => {
    const { type, name } = parseUrn(urn ?? "");
    const title = urn ? [`  ${type} (${name}):`] : [];
    return [...title, ...group.flatMap((diagnostic) => messageLines(diagnostic, style))];
  });
  return ["Diagnostics", ...lines];
}

function messageLines({ severity, message }: Diagnostic, style: Style): string[] {
  const format = severity === "error" ? "red" : severity === "warning" ? "yellow" : "reset";
  return message
    .trimEnd()
    .split("\n")
    .map((line) => `    ${style(format, line)}`);
}

function summary(plan: Plan, style: Style): string {
  if (hasFailed(plan)) return style(["bold", "red"], "The program failed: this is as far as it got.");
  const { steps, changeSummary } = plan;
  const counts = Object.entries(changeSummary).map(([op, count]) => `${count} to ${op}`);
  const states = steps.map(({ newState }) => newState);
  const components = states.filter(({ custom, parent }) => !custom && parent !== undefined).length;
  const resources = states.filter(({ custom }) => custom);
  const guarded = resources.filter(({ protect }) => protect).length;
  const parts = [
    plural(components, "component"),
    plural(resources.length, "resource"),
    `${guarded} protected`,
  ];
  return style("bold", `${counts.join(", ") || "Nothing to create"}: the stack, ${parts.join(", ")}`);
}
