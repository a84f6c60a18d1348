import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Edit, fatesOf, graphOf } from "../plan/graph/model.ts";
import { errorsOf, hasFailed, ofCloud, type Plan } from "../plan/plan.ts";
import { clouds } from "../providers/index.ts";
import { localStack } from "./backend.ts";
import { type Context, runMain } from "./process.ts";

const usage = `Usage: npm run graph [-- [--stack NAME] [--config-file FILE] [--base REF]
                              [--mermaid] [--output FILE]]

A stack as a picture: its components, the resources in them, where data flows,
and what faces the internet. It is what npm run plan plans.

  --stack NAME        which stack; default: ${localStack}
  --config-file FILE  its configuration; default: Pulumi.NAME.yaml
  --base REF          colours what changes in a stack that a git revision deployed
  --mermaid           for Markdown; default: SVG
  --output FILE       where to write it; default: the standard output`;

const options = {
  stack: { type: "string", short: "s", default: localStack },
  "config-file": { type: "string" },
  base: { type: "string" },
  mermaid: { type: "boolean", default: false },
  output: { type: "string" },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];

async function main({ root }: Context): Promise<number> {
  const { values } = parseArgs({ options });
  const { stack, base } = values;
  const [plan, edit] = base === undefined ? [await planned(values)] : await compared(values, base, root);
  const openingsOf = await ofCloud(plan, clouds)?.openings();
  const graph = graphOf(plan, stack, openingsOf ?? (() => []), edit);
  const { renderMermaid } = await import("../plan/graph/mermaid.ts");
  const { renderSvg } = await import("../plan/graph/svg.ts");
  const picture = values.mermaid ? renderMermaid(graph) : renderSvg(graph);
  if (values.output === undefined) process.stdout.write(picture);
  else await writeFile(values.output, picture);
  return 0;
}

/** @throws with what the program said, when it fails */
async function planned({ stack, "config-file": configFile }: Values): Promise<Plan> {
  const { planProgram } = await import("../plan/run.ts");
  const { readStack } = await import("../plan/stack.ts");
  const plan = await planProgram(readStack(stack, configFile === undefined ? {} : { configFile }));
  if (hasFailed(plan)) throw new Error(errorsOf(plan));
  return plan;
}

async function compared(
  { stack, "config-file": configFile }: Values,
  ref: string,
  root: string,
): Promise<[Plan, Edit]> {
  const { compareStacks } = await import("../plan/compare/run.ts");
  const { openRevision } = await import("../plan/compare/revision.ts");
  const revision = await openRevision(root, ref);
  const [outcome] = await compareStacks([stack], { revision, ref }, clouds, configFile);
  if (!outcome || "problem" in outcome) throw new Error(outcome?.problem);
  const { plans, comparison } = outcome;
  if (!plans) throw new Error(comparison.summary.map(({ text }) => text).join("\n"));
  return [plans.after, { before: plans.before, fates: fatesOf(comparison.changes) }];
}

if (import.meta.main) await runMain(usage, main);
