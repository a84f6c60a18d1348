import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import autocannon from "autocannon";
import type { LocalCloud } from "../providers/local/cloud/client.ts";
import type { Deployment } from "../test/e2e/deployment.ts";
import { lost } from "../test/e2e/load.ts";
import { residentMegabytes } from "../test/support/figures.ts";
import { withNineMachines } from "./nine-machines.ts";
import { median, type Row, seconds, timed } from "./table.ts";

const kills = 5;
const idleSeconds = 20;
/** The kernel's clock ticks in a second, as /proc/<pid>/stat counts processor time (sysconf(_SC_CLK_TCK) on Linux). */
const ticksPerSecond = 100;
const load = { connections: 60, overallRate: 200 };

/** From kill -9 of a machine until its group has as many healthy machines as before, and the new one is among them. */
async function killToHealthy(cloud: LocalCloud): Promise<number> {
  const before = await cloud.machines();
  const victim = before[0];
  if (!victim) throw new Error("there is no machine");
  return timed(async () => {
    process.kill(victim.pid, "SIGKILL");
    for (;;) {
      const now = (await cloud.machines()).filter(({ state, id }) => state === "running" && id !== victim.id);
      if (now.length === before.length) return;
      await pause(20);
    }
  });
}

async function processorTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

async function idleShare(pid: number): Promise<number> {
  const before = await processorTicks(pid);
  await pause(idleSeconds * 1000);
  return (await processorTicks(pid)) - before;
}

/** A rollout of all machines while requests come at a steady rate. */
async function rolloutUnderLoad(
  deployment: Deployment,
  url: string,
): Promise<{ took: number; load: autocannon.Result }> {
  await appendFile(join(deployment.root, "service/server.ts"), "\nprocess.title = 'next';\n");
  const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>();
  const requests = ["/cluster1", "/cluster2", "/healthz"].map((path) => ({ path }));
  const running = autocannon({ url, ...load, requests, duration: 300 }, (error, result) =>
    error ? reject(error) : resolve(result),
  );
  const took = await timed(() => deployment.up());
  running.stop?.();
  return { took, load: await promise };
}

/** How the local cloud heals and rolls, and what its control plane costs. */
export function benchResilience(): Promise<Row[]> {
  return withNineMachines(measure);
}

async function measure(deployment: Deployment, url: string): Promise<Row[]> {
  const cloud = await deployment.cloud();
  const pid = (await cloud.pid()) ?? 0;
  const idleTicks = await idleShare(pid);
  const idleMemory = await residentMegabytes(pid);
  const healing: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) healing.push(await killToHealthy(cloud));
  const rollout = await rolloutUnderLoad(deployment, url);
  const { requests, latency } = rollout.load;
  return [
    {
      what: "kill -9 of a machine to its replacement healthy",
      value: seconds(median(healing)),
      beside: `slowest of ${kills}: ${seconds(Math.max(...healing))}`,
    },
    {
      what: "rollout of nine machines under 200 requests/s",
      value: seconds(rollout.took),
      beside: `${lost(rollout.load)} of ${requests.total} lost, p99 ${latency.p99} ms`,
      goal: "0 lost",
    },
    {
      what: "control plane's memory, idle / after that",
      value: `${idleMemory.toFixed(0)} MB`,
      beside: `${(await residentMegabytes(pid)).toFixed(0)} MB`,
      goal: "120 MB",
    },
    {
      what: "control plane's processor share when idle",
      value: `${((100 * idleTicks) / (idleSeconds * ticksPerSecond)).toFixed(2)} %`,
      goal: "1 %",
    },
  ];
}
