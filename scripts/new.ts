import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import type { NewStack, Question } from "../config/new-stack.ts";
import { errorsOf, hasFailed } from "../plan/plan.ts";
import { planProgram } from "../plan/run.ts";
import { readStack } from "../plan/stack.ts";
import { cloudNamed, clouds } from "../providers/index.ts";
import { localStack } from "./backend.ts";
import { type Context, runMain } from "./process.ts";
import { formatRows } from "./table.ts";

/** By their flags. */
export type Answers = Readonly<Record<string, string>>;

/** Has somebody answer a question; fails when there is nobody. */
export type Ask = (question: Question) => Promise<string>;

const cloudQuestion: Question = { flag: "cloud", text: `cloud (${Object.keys(clouds).join(", ")})` };
const reachQuestion: Question = {
  flag: "allow",
  text: "who may reach it, you among them: ranges such as 203.0.113.7/32, by commas",
};
const machineQuestions: readonly Question[] = [
  { flag: "machines", text: "number of machines", default: "2" },
  { flag: "size", text: "size of each (small, medium, large)", default: "small" },
];
const nameQuestion = (cloud: string): Question => ({
  flag: "stack",
  text: "name of the stack",
  default: cloud,
});
const common = [cloudQuestion, nameQuestion("as its cloud"), reachQuestion, ...machineQuestions];

/** What each cloud asks for, by its name. */
async function questionsOfClouds(): Promise<[cloud: string, newStack: NewStack][]> {
  return Promise.all(
    Object.entries(clouds).map(
      async ([name, folder]): Promise<[string, NewStack]> => [name, await folder.newStack()],
    ),
  );
}

function describe(questions: readonly Question[], cloud: string): string[][] {
  return questions.map(({ flag, text, default: usual }) => [
    `  ${cloud}`,
    `--${flag}`,
    `${text}${usual === undefined ? "" : `; default: ${usual}`}`,
  ]);
}

async function usage(): Promise<string> {
  const own = (await questionsOfClouds()).flatMap(([cloud, { questions }]) => describe(questions, cloud));
  return [
    "Usage: npm run new [-- FLAGS]",
    "",
    "Asks what a new stack needs, and writes its file once it can be planned. A flag answers a question before it is",
    "asked; without a terminal, each must be answered so, or have a default. On local, this machine alone may reach it.",
    "",
    ...formatRows([...describe(common, ""), ...own]),
  ].join("\n");
}

/** Reads the flags of a command line. */
export async function parseAnswers(args: readonly string[]): Promise<Answers> {
  const own = (await questionsOfClouds()).flatMap(([, { questions }]) => questions);
  const text = { type: "string" } as const;
  const options = Object.fromEntries([...common, ...own].map(({ flag }) => [flag, text]));
  return parseArgs({ args: [...args], options }).values as Answers;
}

const fileOf = (name: string) => `Pulumi.${name}.yaml`;
const isTaken = (name: string) =>
  new Error(`${fileOf(name)} is there already, and is left as it is: give another --stack`);

/** The name of a new stack, and what its file holds. @throws with what an answer should be, before the next is asked for */
export async function makeStack(
  root: string,
  given: Answers,
  ask: Ask,
): Promise<{ name: string; content: string }> {
  const answers = new Map<string, string>();
  const answer = async (question: Question) => {
    const said = (given[question.flag] ?? (await ask(question))).trim() || question.default;
    if (!said) throw new Error(`--${question.flag} is missing: ${question.text}`);
    answers.set(question.flag, said);
    return said;
  };
  const cloud = await answer(cloudQuestion);
  const folder = cloudNamed(cloud);
  const name = await answer(nameQuestion(cloud));
  if (!/^[\w.-]{1,100}$/.test(name)) {
    throw new Error(
      `--stack is ${name}: name it with at most 100 letters, digits, points, dashes or underscores`,
    );
  }
  if (existsSync(join(root, fileOf(name)))) throw isTaken(name);
  const { questions, config } = await folder.newStack();
  for (const question of questions) await answer(question);
  const { defaults } = await folder.rules();
  const allow = defaults.allow && given.allow === undefined ? undefined : await answer(reachQuestion);
  for (const question of machineQuestions) await answer(question);
  const other = Object.keys(given).find((flag) => !answers.has(flag));
  if (other) throw new Error(`--${other} is nothing that ${cloud} asks for: leave it out`);
  const content = {
    config: {
      ...config(Object.fromEntries(answers)),
      "switchyard:cloud": cloud,
      ...machinesOf(`${answers.get("machines")}`, `${answers.get("size")}`),
      ...(allow && { "switchyard:loadBalancer": { allow: allow.split(",").map((range) => range.trim()) } }),
    },
  };
  return { name, content: `# yaml-language-server: $schema=config/stack.schema.json\n${stringify(content)}` };
}

function machinesOf(count: string, size: string): Readonly<Record<string, unknown>> {
  const desired = Number(count);
  if (!Number.isInteger(desired)) throw new Error(`--machines is ${count}: it must be a whole number`);
  if (size === "small") return { "switchyard:machines": desired };
  return { "switchyard:clusters": [{ name: "app", size, desired }] };
}

/** Writes a stack's file, unless it has one, or cannot be planned. */
export async function writeStack(root: string, name: string, content: string): Promise<string> {
  const file = fileOf(name);
  const folder = await mkdtemp(join(tmpdir(), "switchyard-new-"));
  try {
    const draft = join(folder, file);
    await writeFile(draft, content);
    const plan = await planProgram(readStack(name, { root, configFile: draft }));
    if (hasFailed(plan)) throw new Error(`${file} is not written:\n${errorsOf(plan)}`);
    await writeFile(join(root, file), content, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw isTaken(name);
  } finally {
    await rm(folder, { recursive: true });
  }
  return file;
}

/** How to go on with a stack that nothing is deployed of. */
export function nextSteps(name: string): string {
  const flag = name === localStack ? "" : ` -- --stack ${name}`;
  const backend = [
    "Where Pulumi keeps what it knows of deployments is yours to choose, once on each machine that deploys:",
    ...formatRows([
      [
        "  npx pulumi login s3://BUCKET",
        "gs://BUCKET, azblob://CONTAINER, file://FOLDER; nothing: Pulumi Cloud",
      ],
      [
        `  npx pulumi stack init ${name}`,
        "asks for a passphrase (PULUMI_CONFIG_PASSPHRASE), which encrypts secrets",
      ],
    ]),
    "",
  ];
  const steps = [
    [`  npm run plan${flag}`, "what it would be, without an account"],
    [`  npm run preview${flag}`, "the same by the cloud, then what changes"],
    [`  npm run up${flag}`, "deploys it"],
  ];
  return [...(name === localStack ? [] : backend), "Then:", ...formatRows(steps)].join("\n");
}

/** Asks on a terminal; without one, nobody answers. */
function askOnTerminal(signal: AbortSignal): { ask: Ask; close(): void } {
  if (!process.stdin.isTTY) return { ask: async () => "", close() {} };
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new AbortController();
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  terminal.on("close", () => closed.abort(new Error("nothing is written: not every question was answered")));
  const given = { signal: AbortSignal.any([signal, closed.signal]) };
  const ask = async ({ text, default: usual }: Question) => {
    const question = `${text}${usual === undefined ? "" : ` [${usual}]`}: `;
    return terminal.question(question, given).catch(() => Promise.reject(given.signal.reason));
  };
  return { ask, close: () => terminal.close() };
}

/** Runs `npm run new`. */
export async function runNew(
  args: readonly string[],
  { root, signal, log }: Pick<Context, "root" | "signal" | "log">,
): Promise<number> {
  const given = await parseAnswers(args);
  const terminal = askOnTerminal(signal);
  const made = await makeStack(root, given, terminal.ask).finally(() => terminal.close());
  const file = await writeStack(root, made.name, made.content);
  log(`${file} is written:\n\n${made.content}\n${nextSteps(made.name)}`);
  return 0;
}

if (import.meta.main) {
  await runMain(await usage(), (context) => runNew(process.argv.slice(2), context));
}
