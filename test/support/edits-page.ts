import type { Edit } from "./edits.ts";

export interface DescribedEdit {
  readonly name: string;
  readonly service: string;
  readonly edit: Edit;
}

/** A page of docs/ that says, for one cloud, what each edit of a deployed stack does. */
export function editsPage(cloud: string, edits: readonly DescribedEdit[]): string {
  const rows = edits.map(({ name, service, edit }) => {
    const { made, updated, replaced, deletedFirst, deleted, kept, rolled } = edit;
    const parts = [
      ["makes", made],
      ["changes", updated],
      ["replaces", replaced],
      ["deletes, then makes again", deletedFirst],
      ["deletes", deleted],
      ["leaves behind", kept],
    ] as const;
    const what = parts
      .filter(([, names]) => names.length > 0)
      .map(([verb, names]) => `${verb} ${counted(names)}`);
    if (rolled.length > 0) what.unshift(`**replaces the machines of ${rolled.join(", ")}**`);
    return `| ${name} | ${service} | ${what.join("; ") || "nothing"} |`;
  });
  return [
    `<!-- Written by a test from plans before and after each edit: run it with \`--update\` to write it again. -->`,
    "",
    `# Edits of a deployed stack on ${cloud}`,
    "",
    "What an edit of the stack's configuration does to what is deployed. The engine makes and changes first, and deletes at the end; *replaces* means that a new one is made before the old one goes. Each row is held by a test, which also looks for what the cloud would refuse meanwhile.",
    "",
    "| Edit | What is noticed | What the deployment does |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** Resources by type, those of one type as a number: `3 ListenerRule`. What stands for a machine's parts needs no mention. */
function counted(names: readonly string[]): string {
  const types = Map.groupBy(names, (name) => name.slice(0, name.indexOf("::")));
  return [...types].map(([type, { length }]) => (length === 1 ? type : `${length} ${type}`)).join(", ");
}
