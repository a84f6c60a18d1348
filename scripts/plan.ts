import { parseArgs } from "node:util";
import { internetOpenings } from "../plan/openings.ts";
import { hasFailed } from "../plan/plan.ts";
import { planProgram } from "../plan/run.ts";
import { readStack } from "../plan/stack.ts";
import { renderTree } from "../plan/tree.ts";
import { clouds } from "../providers/index.ts";

const usage = `Usage: npm run plan [-- [--stack NAME] [--config-file FILE] [--json | --full]]

  --stack NAME        which stack; default: local
  --config-file FILE  its configuration; default: Pulumi.NAME.yaml
  --json              a document, as of pulumi preview --json
  --full              everything about each resource, nothing folded`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stack: { type: "string", short: "s", default: "local" },
      "config-file": { type: "string" },
      json: { type: "boolean", default: false },
      full: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const configFile = values["config-file"];
  const stack = readStack(values.stack, configFile === undefined ? {} : { configFile });
  const plan = await planProgram(stack);
  const color = process.stdout.isTTY && process.stdout.hasColors();
  process.stdout.write(
    values.json
      ? `${JSON.stringify(plan, null, 4)}\n`
      : renderTree(plan, stack.name, {
          full: values.full,
          color,
          openings: await internetOpenings(plan, clouds),
        }),
  );
  process.exitCode = hasFailed(plan) ? 1 : 0;
}

try {
  await main();
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  console.error(code?.startsWith("ERR_PARSE_ARGS") ? `${message}\n\n${usage}` : message);
  process.exitCode = 1;
}
