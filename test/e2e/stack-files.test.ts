import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planProgram } from "../../plan/run.ts";
import { readStack } from "../../plan/stack.ts";
import { type Cli, findCli } from "../../scripts/cli.ts";
import { projectRoot } from "../support/project.ts";
import { mutatorFrom, suspects } from "../support/stack-files.ts";
import { type CommandResult, run } from "./deployment.ts";

/** `SWITCHYARD_SEED=7 npm run test:e2e -- stack-files` changes the files in another way. */
const seed = Number(process.env.SWITCHYARD_SEED ?? 20_261_127);
const files = 600;
/** How many files are made one for the CLI, of which a call takes a third of a second. */
const together = 30;

/** What the program does, so that what it got can be compared. */
const program = `import { writeFileSync } from "node:fs";
const { PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS } = process.env;
writeFileSync("seen.json", JSON.stringify([JSON.parse(PULUMI_CONFIG), JSON.parse(PULUMI_CONFIG_SECRET_KEYS)]));
`;

let root: string;
let cli: Cli;

function pulumi(...args: string[]): Promise<CommandResult> {
  const env = {
    ...cli.env,
    PULUMI_BACKEND_URL: `file://${join(root, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
  return run(cli.command, [...args, "--stack", "dev", "--non-interactive"], { cwd: root, env });
}

beforeAll(async () => {
  const { signal } = new AbortController();
  cli = await findCli({ root: projectRoot, env: process.env, signal, log: console.error });
  root = await mkdtemp(join(tmpdir(), "switchyard-files-"));
  await mkdir(join(root, "state"));
  await symlink(join(projectRoot, "node_modules"), join(root, "node_modules"));
  await writeFile(join(root, "Pulumi.yaml"), "name: lab\nruntime: nodejs\nmain: index.js\n");
  await writeFile(join(root, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(root, "index.js"), program);
  const made = await pulumi("stack", "init");
  if (made.code !== 0) throw new Error(made.stderr);
}, 60_000);

afterAll(() => rm(root, { recursive: true }), 30_000);

type Read = { readonly config: Readonly<Record<string, string>> } | { readonly refusal: string };

async function readOurs(content: string | Buffer): Promise<Read> {
  const configFile = join(root, "file.yaml");
  await writeFile(configFile, content);
  try {
    return { config: readStack("dev", { root, configFile }).config };
  } catch (error) {
    return { refusal: (error as Error).message };
  }
}

/** Reads the file that was last read by us. */
async function readTheirs(): Promise<Read> {
  const args = ["config", "--config-file", "file.yaml", "--json", "--show-secrets"];
  const { code, stdout, stderr } = await pulumi(...args);
  if (code !== 0) return { refusal: stderr };
  const values = JSON.parse(stdout) as Record<string, { readonly value: string }>;
  return { config: Object.fromEntries(Object.entries(values).map(([key, { value }]) => [key, value])) };
}

/** Reads those files that a plan reads, many as one, and fails where the CLI does not read the same. */
async function compare(bodies: readonly string[]): Promise<{ read: number; refused: number }> {
  const accepted: string[] = [];
  for (const body of bodies) if ("config" in (await readOurs(`config:\n${body}`))) accepted.push(body);
  for (let start = 0; start < accepted.length; start += together) {
    await compareAsOne(accepted.slice(start, start + together));
  }
  return { read: accepted.length, refused: bodies.length - accepted.length };
}

/** Where the files as one are refused, or not read the same, it may be for their being one: halves are looked at then. */
async function compareAsOne(bodies: readonly string[]): Promise<void> {
  const content = `config:\n${bodies.join("")}`;
  const ours = await readOurs(content);
  const theirs = "config" in ours ? await readTheirs() : undefined;
  if (bodies.length === 1) expect(theirs, `seed ${seed}, ${JSON.stringify(content)}`).toEqual(ours);
  else if (!theirs || !isDeepStrictEqual(ours, theirs)) {
    const half = Math.ceil(bodies.length / 2);
    await compareAsOne(bodies.slice(0, half));
    await compareAsOne(bodies.slice(half));
  }
}

/** Whole files, whose first line is another or which are none. */
const whole = [
  "",
  "# nothing\n",
  "config:\n",
  "config: {}\n",
  "config: []\n",
  "config: 5\n",
  "- config\n",
  "text\n",
  "~\n",
  "config: { lab:a: 1, 'lab:b': { c: [1, 2] } }\n",
  '{"config": {"lab:a": {"b": [1, "<c>"]}}}\n',
  "\ufeffconfig:\n  lab:a: 1\n",
  "---\nconfig:\n  lab:a: 1\n...\n",
  "config:\n  lab:a: 1\n---\nconfig:\n  lab:a: 2\n",
  "%YAML 1.1\n---\nconfig:\n  lab:a: 010\n",
  "config:\r\n  lab:a: |\r\n    b\r\n    c\r\n",
  "config:\r  lab:a: 1\r",
  "config:\n  lab:a: |\n    b",
  "config:\n\tlab:a: 1\n",
  "config:\n  a: 1\n  aws:region: b\n",
  "config:\n  a: 1\n  lab:a: 2\n",
  "config:\n  5: 1\n",
  "config:\n  aws:config:region: b\n",
  "config:\n  lab:a: 1\n  lab:a: 2\n",
  "encryptionsalt: [1]\n",
  "config:\n  lab:a: x\u2028y\n",
  Buffer.from([0x63, 0x3a, 0x20, 0xff, 0x0a]),
  Buffer.from("\ufeffconfig:\n  lab:a: 1\n", "utf16le"),
];

describe("a stack's file, read by a plan and by the real CLI", { timeout: 120_000 }, () => {
  it(`is the same or refused by the plan: ${files} files, from seed ${seed}`, async () => {
    const mutator = mutatorFrom(seed);
    const { read, refused } = await compare(
      Array.from({ length: files }, (_, number) => mutator.next(number)),
    );
    expect(read).toBeGreaterThan(files / 6);
    expect(refused).toBeGreaterThan(files / 6);
  });

  it("is the same or refused for each value that readers disagree about", async () => {
    const bodies = suspects.map((value, index) => `  lab:${index}: ${value}\n`);
    const { read, refused } = await compare(bodies);
    expect(read).toBeGreaterThan(60);
    expect(refused).toBeGreaterThan(30);
  });

  it.each(whole)("is the same or refused: %j", async (content) => {
    const ours = await readOurs(content);
    if ("config" in ours) expect(await readTheirs()).toEqual(ours);
    else expect(ours.refusal).toMatch(/^(\/\S+\/)?file\.yaml/);
  });

  it("tells the program the same, secrets apart", async () => {
    const config = "config:\n  lab:a: { b: [1e3, <c>, ~] }\n  lab:d: 0x1F\n  lab:e: on\n  lab:f:\n";
    await writeFile(join(root, "Pulumi.dev.yaml"), config);
    for (const key of ["lab:g", "lab:a.h"]) {
      const { code, stderr } = await pulumi("config", "set", "--path", "--secret", key, "5");
      expect(code, stderr).toBe(0);
    }
    const preview = await pulumi("preview");
    expect(preview.code, preview.stdout + preview.stderr).toBe(0);
    // The SDK takes this older form of keys for the other.
    const seen = (await readFile(join(root, "seen.json"), "utf8")).replaceAll("lab:config:", "lab:");
    const [theirs, theirSecrets] = JSON.parse(seen);
    expect(theirs).toMatchObject({ "lab:d": "31", "lab:g": "5" });
    expect(JSON.parse(theirs["lab:a"])).toEqual({ b: [1000, "<c>", null], h: "5" });

    await planProgram(readStack("dev", { root }));
    const [ours, secrets] = JSON.parse(await readFile(join(root, "seen.json"), "utf8"));
    expect(secrets).toEqual(theirSecrets.toSorted());
    const hidden = {
      ...theirs,
      "lab:a": theirs["lab:a"].replace('"h":"5"', '"h":"[secret]"'),
      "lab:g": "[secret]",
    };
    expect(ours).toEqual(hidden);
  });
});
