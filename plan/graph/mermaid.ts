import { type Box, type Graph, portsOf, titleOf } from "./model.ts";

/** A graph as Mermaid, for Markdown: boxes and arrows, without the resources in them. */
export function renderMermaid({ boxes, flows, isEdit }: Graph): string {
  const shown = boxes.filter(({ id }) => flows.some(({ from, to }) => id === from || id === to) || isEdit);
  const names = new Map(shown.map(({ id }, index) => [id, `b${index}`]));
  return `${[
    "flowchart LR",
    ...shown.map((box) => `  ${names.get(box.id)}["${textOf(box)}"]${classOf(box, isEdit)}`),
    ...flows.map(({ from, to, label, isBoth, isQuiet }) => {
      const arrow = isBoth ? "<-->" : isQuiet ? "-.->" : "-->";
      return `  ${names.get(from)} ${arrow}${label ? `|"${quoted(label)}"|` : ""} ${names.get(to)}`;
    }),
    "  classDef open stroke:#cf222e,stroke-width:2px",
    ...(isEdit
      ? [
          "  classDef create stroke:#1a7f37,stroke-width:3px",
          "  classDef update stroke:#9a6700,stroke-width:3px",
          "  classDef replace stroke:#8250df,stroke-width:3px",
          "  classDef delete stroke:#cf222e,stroke-width:3px,stroke-dasharray:5 3",
        ]
      : []),
  ].join("\n")}\n`;
}

function textOf(box: Box): string {
  const { note, openings } = box;
  const open = openings.length > 0 ? `open: ${portsOf(openings)}` : undefined;
  return [titleOf(box), note, open]
    .filter((line) => line !== undefined)
    .map(quoted)
    .join("<br/>");
}

function classOf({ fate, openings }: Box, isEdit: boolean): string {
  if (isEdit && fate !== "same") return `:::${fate}`;
  return openings.length > 0 ? ":::open" : "";
}

/** What Mermaid takes for its own, as entities (https://mermaid.js.org/syntax/flowchart.html). */
function quoted(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "#quot;").replaceAll("<", "&lt;");
}
