import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { planProgram } from "../plan/run.ts";
import { readStack } from "../plan/stack.ts";
import { median, type Row, seconds, timed } from "./table.ts";

const project = join(import.meta.dirname, "..");
const stacks = ["local", "aws"];
const runs = 3;
const resources = 1000;
/** Between two looks at the processes' memory, in milliseconds. */
const sampleMs = 20;

/** Each resource uses an output of the one before it, so that none can be registered before another is answered. */
const program = `import * as pulumi from "@pulumi/pulumi";
class Thing extends pulumi.CustomResource {
  constructor(name, props) { super("bench:index:Thing", name, { arn: undefined, ...props }); }
}
let previous = new Thing("thing-0", {});
for (let i = 1; i < ${resources}; i += 1) {
  previous = new Thing("thing-" + i, { text: pulumi.interpolate\`arn:\${previous.arn}\`, list: [1, 2, 3] });
}
`;

/** Bytes of memory that a process and its children have, what they share counted once (`Pss` in proc(5)). */
async function memory(pid: number): Promise<number> {
  try {
    const [sizes, children] = await Promise.all([
      readFile(`/proc/${pid}/smaps_rollup`, "utf8"),
      readFile(`/proc/${pid}/task/${pid}/children`, "utf8"),
    ]);
    const own = Number(/^Pss:\s+(\d+) kB/m.exec(sizes)?.[1]) * 1024;
    const below = await Promise.all(children.trim().split(" ").filter(Boolean).map(Number).map(memory));
    return below.reduce((sum, bytes) => sum + bytes, own);
  } catch {
    return 0; // It has ended since.
  }
}

/** One run of the command: how long it took, and the most memory its processes had (0 where there is no /proc). */
async function runCommand(stack: string): Promise<{ time: number; bytes: number }> {
  const args = [join(project, "scripts/plan.ts"), "--stack", stack, "--json"];
  const start = performance.now();
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  let time = 0;
  let bytes = 0;
  const ended = once(child, "exit").then(([code]) => {
    if (code !== 0) throw new Error(`the plan of ${stack} ended with exit status ${code}`);
    time = (performance.now() - start) / 1000;
  });
  while (time === 0) {
    bytes = Math.max(bytes, await memory(child.pid ?? 0));
    await Promise.race([ended, delay(sampleMs)]);
  }
  return { time, bytes };
}

async function planOfManyResources(): Promise<number> {
  const root = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
  try {
    await symlink(join(project, "node_modules"), join(root, "node_modules"));
    await writeFile(join(root, "package.json"), '{ "type": "module" }');
    await writeFile(join(root, "Pulumi.yaml"), "{ name: bench, runtime: nodejs, main: index.js }");
    await writeFile(join(root, "Pulumi.many.yaml"), "config: {}");
    await writeFile(join(root, "index.js"), program);
    return await timed(async () => {
      const { changeSummary } = await planProgram(readStack("many", { root }));
      if (changeSummary.create !== resources + 1)
        throw new Error(`planned ${changeSummary.create} resources`);
    });
  } finally {
    await rm(root, { recursive: true });
  }
}

/** A plan of each stack, with the memory that the largest takes, and of a program with a chain of 1,000 resources. */
export async function benchPlan(): Promise<Row[]> {
  const rows: Row[] = [];
  let peak = 0;
  await runCommand("local"); // Bundles the service, if that has changed: esbuild's time and memory are not the plan's.
  for (const stack of stacks) {
    const results = [];
    for (let run = 0; run < runs; run += 1) results.push(await runCommand(stack));
    peak = Math.max(peak, ...results.map(({ bytes }) => bytes));
    const time = seconds(median(results.map(({ time }) => time)));
    rows.push({ what: `plan of the stack ${stack}`, value: time, goal: "1 s" });
  }
  const megabytes = `${Math.round(peak / 1e6)} MB`;
  rows.push({ what: "peak memory of a plan, all processes", value: megabytes, goal: "200 MB" });
  const many = seconds(await planOfManyResources());
  rows.push({ what: `plan of ${resources} resources`, value: many, goal: "5 s" });
  return rows;
}
