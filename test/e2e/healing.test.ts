import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LocalCloud } from "../../providers/local/cloud/client.ts";
import { freePort } from "../support/ports.ts";
import { Deployment } from "./deployment.ts";
import { lost, underLoad } from "./load.ts";

let deployment: Deployment;
let cloud: LocalCloud;
let port: number;
const size = 3;

/** Harms one machine, and waits until as many others as before are healthy. */
async function harm(signal: NodeJS.Signals): Promise<void> {
  const [victim] = await cloud.machines();
  if (!victim) throw new Error("there is no machine");
  process.kill(victim.pid, signal);
  const healthy = async () =>
    (await cloud.machines()).filter(({ state, id }) => state === "running" && id !== victim.id).length;
  await expect.poll(healthy, { timeout: 40_000 }).toBe(size);
  const gone = async () => (await cloud.machines()).every(({ id }) => id !== victim.id);
  await expect.poll(gone, { timeout: 20_000 }).toBe(true);
  expect(Math.max(...(await cloud.machines()).map(({ restarts }) => restarts))).toBeGreaterThan(0);
}

beforeAll(async () => {
  port = await freePort();
  deployment = await Deployment.up({
    cloud: "local",
    network: { cidr: "10.98.0.0/16", subnets: [{ cidr: "10.98.1.0/24" }] },
    clusters: [{ name: "app", min: size, path: "/app" }],
    loadBalancer: { port, healthCheck: { intervalSeconds: 2, timeoutSeconds: 1 } },
    bucket: { protect: false, empty: true },
    rollout: { drainSeconds: 2, timeoutSeconds: 60 },
  });
  cloud = await deployment.cloud();
}, 60_000);

afterAll(() => deployment?.remove(), 30_000);

describe("a machine that fails is replaced, and no client of a safe request notices", {
  timeout: 120_000,
}, () => {
  it.each(["SIGKILL", "SIGSTOP"] as const)("%s", async (signal) => {
    const { load } = await underLoad(`http://127.0.0.1:${port}`, ["/app", "/healthz"], () => harm(signal));
    expect(load.requests.total).toBeGreaterThan(50);
    expect(lost(load)).toBe(0);
  });
});
