import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { clouds } from "../providers/index.ts";

const usage = `Usage: npm run plan [-- [--stack NAME] [--config-file FILE] [--json | --full]]
       npm run plan -- [--stack NAME | --all] (--base REF | --base-file FILE)
                       [--config-file FILE] [--json | --markdown] [--exit-code]

  --stack NAME        which stack; default: local
  --config-file FILE  its configuration; default: Pulumi.NAME.yaml
  --json              a document, as of pulumi preview --json
  --full              everything about each resource, nothing folded

What changes in a stack that is deployed already:
  --base REF          with the program and configuration of a git revision
  --base-file FILE    with another configuration
  --all               every stack that has a file, here or at the revision
  --json              a document (docs/comparison.schema.json); with --all, a list
  --markdown          for a comment in a pull request
  --output FOLDER     comparison.md, comparison.json and comparison.txt as well
  --exit-code         as diff has it: 0 when nothing changes, 1 when something
                      does, 2 when it cannot be compared`;

const options = {
  stack: { type: "string", short: "s", default: "local" },
  "config-file": { type: "string" },
  base: { type: "string" },
  "base-file": { type: "string" },
  all: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  full: { type: "boolean", default: false },
  markdown: { type: "boolean", default: false },
  output: { type: "string" },
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
  checkFlags(values);
  if (values.base !== undefined || values["base-file"] !== undefined) return compare(values);
  const { hasFailed } = await import("../plan/plan.ts");
  const { planProgram } = await import("../plan/run.ts");
  const { readStack } = await import("../plan/stack.ts");
  const configFile = values["config-file"];
  const stack = readStack(values.stack, configFile === undefined ? {} : { configFile });
  // Read while the program runs. What is wrong with the configuration, the program says itself.
  const policy = import("../plan/policy/run.ts").then(({ policyOf }) =>
    policyOf(stack.config, { project: stack.project, stack: stack.name }, clouds),
  );
  policy.catch(() => {});
  const plan = await planProgram(stack);
  const { judge } = await import("../plan/policy/run.ts");
  const { isRefused, violationLines } = await import("../plan/policy/text.ts");
  const broken = hasFailed(plan) ? [] : judge(plan, await policy);
  const violations = broken.length > 0 ? violationLines(broken) : [];
  if (values.json) {
    process.stdout.write(`${JSON.stringify(plan, null, 4)}\n`);
    for (const line of violations) console.error(line);
  } else {
    const { internetOpenings } = await import("../plan/openings.ts");
    const { renderTree } = await import("../plan/tree.ts");
    const openings = await internetOpenings(plan, clouds);
    process.stdout.write(renderTree(plan, stack.name, { full: values.full, color, openings, violations }));
  }
  return hasFailed(plan) || isRefused(broken) ? 1 : 0;
}

/** @throws when flags do not go together */
function checkFlags(values: Values): void {
  const { base, all, markdown } = values;
  const isComparison = base !== undefined || values["base-file"] !== undefined;
  const problem =
    base !== undefined && values["base-file"] !== undefined
      ? "--base and --base-file cannot both be given: choose one"
      : !isComparison && (all || markdown || values["exit-code"] || values.output !== undefined)
        ? "--all, --markdown, --output and --exit-code are for comparisons: give --base or --base-file"
        : all && (base === undefined || values["config-file"] !== undefined)
          ? "--all compares each stack's own file with a revision: give --base, and no --config-file"
          : isComparison && values.full
            ? "--full is for plans: a comparison is told in full by --json"
            : undefined;
  if (problem) throw Object.assign(new Error(problem), { code: "ERR_PARSE_ARGS" });
}

async function compare(values: Values): Promise<number> {
  const { compareStacks, stacksOf } = await import("../plan/compare/run.ts");
  const { openRevision } = await import("../plan/compare/revision.ts");
  const { base: ref, all, stack } = values;
  const root = join(import.meta.dirname, "..");
  const revision = ref === undefined ? undefined : await openRevision(root, ref);
  const base = revision && ref !== undefined ? { revision, ref } : { file: values["base-file"] ?? "" };
  const names = all && revision ? stacksOf(root, revision) : [stack];
  const outcomes = await compareStacks(names, base, clouds, values["config-file"]);
  const problems = outcomes.flatMap((outcome) => ("problem" in outcome ? [outcome] : []));
  const compared = outcomes.flatMap((outcome) => ("problem" in outcome ? [] : [outcome]));
  const { isChanged, renderMarkdown } = await import("../plan/compare/markdown.ts");
  const { colored, plain, renderComparison } = await import("../plan/compare/text.ts");
  const texts = (style: typeof plain) => compared.map((one) => renderComparison(one, style)).join("\n");
  const documents = outcomes.map((outcome) => ("problem" in outcome ? outcome : outcome.comparison));
  const document = `${JSON.stringify(all ? documents : documents[0], null, 2)}\n`;
  if (values.output !== undefined) {
    const files = { md: renderMarkdown(outcomes), json: document, txt: texts(plain) };
    await mkdir(values.output, { recursive: true });
    for (const [ending, content] of Object.entries(files)) {
      await writeFile(join(values.output, `comparison.${ending}`), content);
    }
  }
  if (values.markdown) process.stdout.write(renderMarkdown(outcomes));
  else if (!values.json) process.stdout.write(texts(color ? colored : plain));
  else if (all || compared.length > 0) process.stdout.write(document);
  for (const { stack, problem } of problems) console.error(all ? `${stack}: ${problem}` : problem);
  if (problems.length > 0) return values["exit-code"] ? 2 : 1;
  return values["exit-code"] && compared.some(isChanged) ? 1 : 0;
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
