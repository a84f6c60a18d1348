import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/ports.ts";
import { ask, Deployment } from "./deployment.ts";
import { lost, requestsPerSecond, underLoad } from "./load.ts";

let deployment: Deployment;
let port: number;
const url = () => `http://127.0.0.1:${port}`;

/** Each request's rate and the share of slow ones: `?slow=MS` is what this copy's service is taught to wait. */
const slowMs = 1_500;

async function teachToWait(): Promise<void> {
  const file = join(deployment.root, "service/routes/cluster.ts");
  const source = await readFile(file, "utf8");
  const wait = `  app.addHook("onRequest", async (request) => {
    const { slow } = request.query as { slow?: string };
    if (slow) await new Promise((resolve) => setTimeout(resolve, Number(slow)));
  });
`;
  const changed = source.replace(/(export const \w+: Routes = async \([^)]*\) => \{\n)/, `$1${wait}`);
  if (changed === source) throw new Error("the routes' file has another shape; adapt this test");
  await writeFile(file, changed);
}

const paths = ["/cluster1", "/cluster2", "/healthz", `/cluster1?slow=${slowMs}`, "/cluster2"];

beforeAll(async () => {
  port = await freePort();
  deployment = await Deployment.create({
    cloud: "local",
    network: { cidr: "10.93.0.0/16", subnets: [{ cidr: "10.93.1.0/24" }, { cidr: "10.93.2.0/24" }] },
    clusters: [
      { name: "cluster1", min: 5, path: "/cluster1", subnets: [0] },
      { name: "cluster2", min: 4, path: "/cluster2", subnets: [1] },
    ],
    loadBalancer: { port },
    bucket: { protect: false, empty: true },
    rollout: { drainSeconds: 10, timeoutSeconds: 30 },
  });
  await teachToWait();
}, 30_000);

afterAll(() => deployment?.remove(), 30_000);

describe("a new release", { timeout: 180_000 }, () => {
  it("replaces nine machines without losing a request", async () => {
    const first = await deployment.up();
    expect(first.code, first.stdout + first.stderr).toBe(0);
    await appendFile(join(deployment.root, "service/server.ts"), "\nprocess.env.EDIT = 'second';\n");
    const { result, load } = await underLoad(url(), paths, () => deployment.up());
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(load.requests.total).toBeGreaterThan(3 * requestsPerSecond);
    expect(load.latency.max).toBeGreaterThan(slowMs);
    expect(lost(load)).toBe(0);
  });

  it("that never gets healthy stops, says why, and leaves the old machines serving", async () => {
    const before = await ask(`${url()}/cluster1`);
    const file = join(deployment.root, "service/server.ts");
    const good = await readFile(file, "utf8");
    await writeFile(file, `${good}\nthrow new Error("this release is bad");\n`);
    const { result, load } = await underLoad(url(), paths, () => deployment.up());
    expect(result.code).not.toBe(0);
    expect(result.stdout).toContain("this release is bad");
    expect(result.stdout).toMatch(/machine m-[0-9a-f]+ of cluster[12] ended before it was healthy/);
    expect(lost(load)).toBe(0);
    expect(await ask(`${url()}/cluster1`)).toEqual(before);

    await writeFile(file, `${good}\nprocess.env.EDIT = 'third';\n`);
    const mended = await deployment.up();
    expect(mended.code, mended.stdout + mended.stderr).toBe(0);
    const after = await ask(`${url()}/cluster1`);
    expect(after.releases.isDisjointFrom(before.releases)).toBe(true);
    expect(after.instances.size).toBe(5);
    expect(await deployment.preview()).toEqual([]);
  });
});
