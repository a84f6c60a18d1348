import type { Compared } from "./compare.ts";
import type { Finding, Severity } from "./comparison.ts";
import type { Outcome } from "./run.ts";
import { countLine, renderDetails, unknowns } from "./text.ts";

/** The longest comment that GitHub takes is 65,536 characters; GitLab takes more. */
export const budget = 60_000;

const marks: Readonly<Record<Severity, string>> = { danger: "🔴", caution: "🟡", notice: "⚪" };

/**
 * Comparisons for a comment: a row for each stack that changes, and one line of those that do not; what a person decides
 * by; then, as far as there is room, each resource. What has no room is named.
 * @param most characters
 */
export function renderMarkdown(outcomes: readonly Outcome[], most = budget): string {
  const failed = outcomes.filter((outcome) => "problem" in outcome);
  const compared = outcomes.flatMap((outcome) => ("problem" in outcome ? [] : [outcome]));
  const changed = compared.filter(isChanged);
  const same = compared.filter((one) => !isChanged(one)).map(({ comparison }) => `\`${comparison.stack}\``);
  const head = [
    "## What merging changes",
    ...(failed.length + changed.length > 0 ? [tableOf(failed, changed)] : []),
    ...(same.length > 0 ? [`Nothing changes in ${same.join(", ")}.`] : []),
    ...failed.map(({ stack, problem }) => `### ${stack} cannot be compared\n\n${fenced(problem, "")}`),
    ...changed.map(summaryOf),
    `_${unknowns}_`,
  ];
  return within(head, changed, most);
}

export function isChanged({ comparison }: Compared): boolean {
  return comparison.changes.length > 0 || comparison.summary.length > 0;
}

function tableOf(failed: readonly { readonly stack: string }[], changed: readonly Compared[]): string {
  const row = (...cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row("Stack", "Resources", "Gravest"),
    row("---", "---", "---"),
    ...failed.map(({ stack }) => row(`\`${stack}\``, "", `${marks.danger} cannot be compared`)),
    ...changed.map(({ comparison }) => {
      const [first] = comparison.summary;
      const count = countLine(comparison).replace(/^Resources: |\.$/g, "");
      const name = `\`${comparison.stack}\`${comparison.isNew ? " (new)" : ""}`;
      return row(name, count, first ? `${marks[first.severity]} ${escaped(first.text)}` : "");
    }),
  ].join("\n");
}

function summaryOf({ comparison }: Compared): string {
  const lines = comparison.summary.map(
    ({ severity, text }: Finding) => `- ${marks[severity]} ${escaped(text)}`,
  );
  return [
    `### ${comparison.stack}`,
    lines.join("\n") || "Resources change, and nothing that a person must decide by.",
  ].join("\n\n");
}

/** Names from the configuration are no markup, and call nobody. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\\`*_{}[\]<>#|~$]/g, "\\$&")
    .replaceAll("@", "@\u200b")
    .replaceAll("\n", " ");
}

/** A block of text that ends only where it should. */
function fenced(content: string, language: string): string {
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${content.trimEnd()}\n${fence}`;
}

/** What must be said, and details as there is room: the gravest stacks first. */
function within(head: readonly string[], changed: readonly Compared[], most: number): string {
  const grave = ({ comparison }: Compared) =>
    comparison.summary.filter(({ severity }) => severity === "danger").length;
  const parts = [...head];
  const left: string[] = [];
  for (const one of changed.toSorted((a, b) => grave(b) - grave(a))) {
    const { stack } = one.comparison;
    if (one.comparison.changes.length === 0) continue;
    const block = `<details><summary>Each resource of ${stack}</summary>\n\n${fenced(renderDetails(one), "diff")}\n\n</details>`;
    const length = [...parts, block].join("\n\n").length;
    if (length > most - 400) left.push(stack);
    else parts.push(block);
  }
  if (left.length > 0)
    parts.push(`No room for the resources of ${left.join(", ")}: the run's artifact has them.`);
  const text = `${parts.join("\n\n")}\n`;
  if (text.length <= most) return text;
  const note = "\n\n…cut: the run's artifact has all of it.\n";
  return text.slice(0, most - note.length) + note;
}
