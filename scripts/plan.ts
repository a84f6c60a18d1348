import { parseArgs } from "node:util";
import { compareStack } from "../plan/compare/run.ts";
import { colored, plain, renderComparison } from "../plan/compare/text.ts";
import { internetOpenings } from "../plan/openings.ts";
import { hasFailed } from "../plan/plan.ts";
import { planProgram } from "../plan/run.ts";
import { readStack } from "../plan/stack.ts";
import { renderTree } from "../plan/tree.ts";
import { clouds } from "../providers/index.ts";

const usage = `Usage: npm run plan [-- [--stack NAME] [--config-file FILE] [--json | --full]]
       npm run plan -- [--stack NAME] --base-file FILE [--json] [--exit-code]

  --stack NAME        which stack; default: local
  --config-file FILE  its configuration; default: Pulumi.NAME.yaml
  --json              a document, as of pulumi preview --json; of a comparison,
                      as docs/comparison.schema.json describes it
  --full              everything about each resource, nothing folded
  --base-file FILE    compares: what changes in a stack that is deployed with the
                      configuration FILE
  --exit-code         of a comparison, as diff has it: 0 when nothing changes,
                      1 when something does, 2 when it cannot be compared`;

const options = {
  stack: { type: "string", short: "s", default: "local" },
  "config-file": { type: "string" },
  "base-file": { type: "string" },
  json: { type: "boolean", default: false },
  full: { type: "boolean", default: false },
  "exit-code": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

const color = process.stdout.isTTY && process.stdout.hasColors();

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];

/** @returns the exit code */
async function main(values: Values): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const baseFile = values["base-file"];
  if (baseFile !== undefined) return compare(values, baseFile);
  const configFile = values["config-file"];
  const stack = readStack(values.stack, configFile === undefined ? {} : { configFile });
  const plan = await planProgram(stack);
  process.stdout.write(
    values.json
      ? `${JSON.stringify(plan, null, 4)}\n`
      : renderTree(plan, stack.name, {
          full: values.full,
          color,
          openings: await internetOpenings(plan, clouds),
        }),
  );
  return hasFailed(plan) ? 1 : 0;
}

async function compare(values: Values, baseFile: string): Promise<number> {
  const configFile = values["config-file"];
  const compared = await compareStack(
    values.stack,
    { ...(configFile !== undefined && { configFile }), baseFile },
    clouds,
  );
  const { comparison } = compared;
  process.stdout.write(
    values.json
      ? `${JSON.stringify(comparison, null, 2)}\n`
      : renderComparison(compared, color ? colored : plain),
  );
  const isSame = comparison.changes.length === 0 && comparison.summary.length === 0;
  return values["exit-code"] && !isSame ? 1 : 0;
}

let trouble = 1;
try {
  const { values } = parseArgs({ options });
  if (values["exit-code"]) trouble = 2;
  process.exitCode = await main(values);
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  console.error(code?.startsWith("ERR_PARSE_ARGS") ? `${message}\n\n${usage}` : message);
  process.exitCode = trouble;
}
