import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort } from "../support/ports.ts";
import { randomFrom } from "../support/random.ts";
import { ask, Deployment, run } from "./deployment.ts";

/** `SWITCHYARD_ROUNDS=50 SWITCHYARD_SEED=7 npm run test:e2e -- kills` runs many, or the same ones again. */
const rounds = Number(process.env.SWITCHYARD_ROUNDS ?? 4);
const seed = Number(process.env.SWITCHYARD_SEED ?? Date.now() % 100_000);
const latestKillMs = 6_000;

let deployment: Deployment;
let port: number;

const random = randomFrom(seed);

interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly args: string;
}

async function processes(): Promise<ProcessInfo[]> {
  const { stdout } = await run("ps", ["-eo", "pid=,ppid=,args="], { cwd: "/", env: process.env });
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [, pid, parent, args = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return { pid: Number(pid), parent: Number(parent), args };
    });
}

function descendants(all: readonly ProcessInfo[], pid: number): ProcessInfo[] {
  const children = all.filter(({ parent }) => parent === pid);
  return children.flatMap((child) => [child, ...descendants(all, child.pid)]);
}

/** Its supervisor has the same words among its arguments. */
function isControlPlane(args: string): boolean {
  return /^\s*(\d+\s+)?\S*\/node\s.*cloud\/main\.ts/.test(args);
}

const victims = {
  "the CLI": (all, wrapper) =>
    descendants(all, wrapper).find(({ args }) => /pulumi\S* (up|destroy)/.test(args)),
  "the plugin": (all, wrapper) =>
    descendants(all, wrapper).find(({ args }) => args.includes("providers/plugin.ts")),
  "the control plane": (all) =>
    all.find(({ args }) => isControlPlane(args) && args.includes(deployment.home)),
} satisfies Record<string, (all: ProcessInfo[], wrapper: number) => ProcessInfo | undefined>;

/** Runs a command and kills one of its processes at some moment; says what it did. */
async function killDuring(command: "up" | "destroy"): Promise<string> {
  const names = Object.keys(victims) as (keyof typeof victims)[];
  const victim = names[Math.floor(random() * names.length)] as keyof typeof victims;
  const afterMs = Math.floor(random() * latestKillMs);
  const { pid, ended } = await deployment.start(command);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  let found: ProcessInfo | undefined;
  while (!over && !found) found = victims[victim](await processes(), pid);
  if (found) process.kill(found.pid, "SIGKILL");
  const { code } = await ended;
  return `${command}: killed ${found ? victim : "nothing"} after ${afterMs} ms, exit code ${code}`;
}

async function machineProcesses(): Promise<string[]> {
  return (await deployment.processes()).filter((line) => line.includes("server.js"));
}

async function controlPlanes(): Promise<string[]> {
  return (await deployment.processes()).filter(isControlPlane);
}

beforeAll(async () => {
  port = await freePort();
  deployment = await Deployment.create(
    {
      cloud: "local",
      network: { cidr: "10.94.0.0/16", subnets: [{ cidr: "10.94.1.0/24" }] },
      clusters: [
        { name: "cluster1", min: 1, max: 5, desired: 3, path: "/cluster1" },
        { name: "cluster2", min: 2, path: "/cluster2" },
      ],
      loadBalancer: { port },
      bucket: { protect: false, empty: true },
      rollout: { drainSeconds: 2, timeoutSeconds: 60 },
    },
    "local",
  );
}, 30_000);

afterAll(() => deployment?.remove(), 30_000);

it(`survives kill -9 at ${rounds} random moments (seed ${seed})`, { timeout: rounds * 90_000 }, async () => {
  for (let round = 0; round < rounds; round += 1) {
    const command = round % 2 === 0 ? "up" : "destroy";
    const said = `round ${round + 1}: ${await killDuring(command)}`;
    console.log(said);
    const after = await deployment.npm(command);
    expect(after.code, `${said}\n${after.stdout}${after.stderr}`).toBe(0);
    if (command === "up") {
      expect((await ask(`http://127.0.0.1:${port}/cluster1`)).instances.size, said).toBe(3);
      expect((await ask(`http://127.0.0.1:${port}/cluster2`)).instances.size, said).toBe(2);
      await expect
        .poll(async () => (await machineProcesses()).length, { message: said, timeout: 15_000 })
        .toBe(5);
      expect((await controlPlanes()).length, said).toBe(1);
      expect(await deployment.preview(), said).toEqual([]);
    } else {
      await expect.poll(() => deployment.processes(), { message: said, timeout: 15_000 }).toEqual([]);
    }
  }
});
