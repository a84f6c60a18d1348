import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/ports.ts";
import { randomFrom } from "../support/random.ts";
import { ask, Deployment } from "./deployment.ts";
import { lost, underLoad } from "./load.ts";

/** `SWITCHYARD_ROUNDS=50 SWITCHYARD_SEED=7 npm run test:e2e -- peak` runs many, or the same ones again. */
const rounds = Number(process.env.SWITCHYARD_ROUNDS ?? 5);
const seed = Number(process.env.SWITCHYARD_SEED ?? Date.now() % 100_000);
const random = randomFrom(seed);

const patience = { timeout: 30_000 };

let deployment: Deployment;
let token: string;
let port: number;
let controllerPort: number;
const url = () => `http://127.0.0.1:${port}/healthz`;

interface Answer {
  readonly status: number;
  readonly id: string;
  readonly machinesNow: number;
}

async function call(method: string, path: string, body?: object, key?: string): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${controllerPort}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      connection: "close",
      ...(body && { "content-type": "application/json" }),
      ...(key && { "idempotency-key": key }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const { content = {} } = (await response.json()) as { content?: Partial<Answer> };
  return { id: "", machinesNow: 0, ...content, status: response.status };
}

/** A schedule that begins now and ends in an hour. */
function peak(machines: number): object {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  return { name: "rush", cluster: "app", machines, flavor: "standard", start: at(0), end: at(3_600_000) };
}

const serving = async () => (await ask(url(), 20)).instances.size;
const controllers = async () =>
  (await (await deployment.cloud()).machines()).filter(({ cluster }) => cluster === "controller");

beforeAll(async () => {
  [port, controllerPort] = [await freePort(), await freePort()];
  deployment = await Deployment.up({
    cloud: "local",
    network: { cidr: "10.92.0.0/16", subnets: [{ cidr: "10.92.1.0/24" }] },
    machines: 2,
    loadBalancer: { port },
    controller: { port: controllerPort, maxMachines: 4 },
    bucket: { protect: false, empty: true },
    rollout: { drainSeconds: 5, timeoutSeconds: 60 },
  });
  token = await deployment.adminToken();
}, 120_000);

afterAll(() => deployment?.remove(), 30_000);

describe("a peak of a deployed stack", { timeout: 180_000 }, () => {
  it("comes, is rolled by a deployment in its middle, and goes, without a lost request", async () => {
    const { load } = await underLoad(`http://127.0.0.1:${port}`, ["/healthz", "/"], async () => {
      const { status, id } = await call("POST", "/schedules", peak(2));
      expect(status).toBe(201);
      await expect.poll(serving, patience).toBe(4);
      expect(await deployment.preview()).toEqual([]);

      const before = await ask(url());
      deployment.config = { ...deployment.config, app: { root: "health" } };
      const changed = await deployment.up();
      expect(changed.code, changed.stdout + changed.stderr).toBe(0);
      const after = await ask(url());
      expect(after.instances.size).toBe(4);
      expect(after.instances.isDisjointFrom(before.instances)).toBe(true);

      await expect.poll(async () => (await call("GET", `/schedules/${id}`)).machinesNow, patience).toBe(2);
      const listed = await deployment.script("machines.ts", "--stack", deployment.stack).ended;
      expect(listed.stdout.match(/^app-standard .* rush$/gm), listed.stderr).toHaveLength(2);
      expect((await call("DELETE", `/schedules/${id}`)).status).toBe(200);
      await expect.poll(serving, patience).toBe(2);
    });
    expect(lost(load)).toBe(0);
  });

  it(`comes and goes though its controller is killed at ${rounds} random moments (seed ${seed})`, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const [victim] = await controllers();
      const killed = new Promise<void>((resolve) => {
        setTimeout(() => {
          process.kill(victim?.pid ?? 0, "SIGKILL");
          resolve();
        }, random() * 300);
      });
      const wanted = 1 + Math.floor(random() * 4);
      // Whoever does not know whether it was done asks again, with the same key.
      const [schedule, key] = [peak(wanted), `round-${round}`];
      const made = await persist(() => call("POST", "/schedules", schedule, key));
      expect(made.status).toBe(201);
      await killed;
      await expect.poll(serving, { ...patience, message: `round ${round}` }).toBe(2 + wanted);
      await persist(() => call("DELETE", `/schedules/${made.id}`));
      await expect.poll(serving, { ...patience, message: `round ${round}` }).toBe(2);
    }
  });

  it("ends with its stack, in its middle", async () => {
    await persist(() => call("POST", "/schedules", peak(3)));
    await expect.poll(serving, patience).toBe(5);
    const destroyed = await deployment.destroy();
    expect(destroyed.code, destroyed.stdout + destroyed.stderr).toBe(0);
    await expect.poll(() => deployment.processes(), patience).toEqual([]);
  });
});

/** Asks until there is an answer: a controller that was killed is back within seconds. */
async function persist(request: () => Promise<Answer>): Promise<Answer> {
  for (const deadline = performance.now() + 30_000; ; ) {
    const answer = await request().catch((error: Error) => error);
    if (!(answer instanceof Error) && answer.status < 500) return answer;
    if (performance.now() > deadline) throw answer instanceof Error ? answer : new Error(`${answer.status}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
