import { appendFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/ports.ts";
import { ask, Deployment } from "./deployment.ts";

let deployment: Deployment;
let port: number;
const url = () => `http://127.0.0.1:${port}`;

interface Cluster {
  name: string;
  min: number;
  max: number;
  desired?: number;
  path?: string;
  weight?: number;
}

function clusters(): Cluster[] {
  return deployment.config.clusters as Cluster[];
}

function cluster(name: string): Cluster {
  const found = clusters().find((one) => one.name === name);
  if (!found) throw new Error(`no cluster ${name}`);
  return found;
}

/** Previews a change, makes it, and previews again: nothing may be left to do. */
/** The load balancer, and the component that says its routes. */
const edge = ["update LoadBalancer::edge", "update LoadBalancer::edge"];

async function change(expected: string[]): Promise<void> {
  expect(await deployment.preview()).toEqual(expected.sort());
  const result = await deployment.up();
  expect(result.code, result.stdout + result.stderr).toBe(0);
  expect(await deployment.preview()).toEqual([]);
}

async function instances(path: string): Promise<Set<string>> {
  return (await ask(`${url()}${path}`)).instances;
}

beforeAll(async () => {
  port = await freePort();
  deployment = await Deployment.create({
    cloud: "local",
    network: { cidr: "10.91.0.0/16", subnets: [{ cidr: "10.91.1.0/24" }, { cidr: "10.91.2.0/24" }] },
    clusters: [
      { name: "cluster1", min: 2, max: 5, desired: 5, path: "/cluster1", subnets: [0] },
      { name: "cluster2", min: 4, max: 5, path: "/cluster2", subnets: [1] },
    ],
    loadBalancer: { port },
    rollout: { drainSeconds: 2, timeoutSeconds: 60 },
  });
}, 30_000);

afterAll(() => deployment?.remove(), 30_000);

describe("the whole system on this machine", { timeout: 120_000 }, () => {
  it("deploys nine machines that answer on two paths", async () => {
    const result = await deployment.up();
    expect(result.code, result.stdout + result.stderr).toBe(0);
    const [one, two] = [await instances("/cluster1"), await instances("/cluster2")];
    expect(one.size).toBe(5);
    expect(two.size).toBe(4);
    expect(one.union(two).size).toBe(9);
    const greeting = await fetch(url());
    expect(await greeting.json()).toEqual({
      status: 200,
      message: "Successfully connected to switchyard upload/download API",
    });
    expect(await deployment.outputs()).toMatchObject({
      url: url(),
      clusters: { cluster1: { size: 5, path: "/cluster1" }, cluster2: { size: 4, path: "/cluster2" } },
    });
  });

  it("changes nothing when deployed again", async () => {
    await change([]);
  });

  it("shrinks and grows a cluster in place", async () => {
    const before = await instances("/cluster1");
    cluster("cluster1").desired = 3;
    await change(["update MachineGroup::cluster1", "update Readiness::ready"]);
    const fewer = await instances("/cluster1");
    expect(fewer.size).toBe(3);
    expect(fewer.isSubsetOf(before)).toBe(true);
    cluster("cluster1").desired = 5;
    await change(["update MachineGroup::cluster1", "update Readiness::ready"]);
    const more = await instances("/cluster1");
    expect(more.size).toBe(5);
    expect(fewer.isSubsetOf(more)).toBe(true);
  });

  it("changes a weight without touching a machine", async () => {
    const before = await instances("/cluster2");
    cluster("cluster2").weight = 0;
    await change([...edge]);
    expect(await instances("/healthz")).toEqual(await instances("/cluster1"));
    expect(await instances("/cluster2")).toEqual(before);
  });

  it("moves the listener to another port without touching a machine", async () => {
    const before = await instances("/cluster2");
    const previous = url();
    port = await freePort();
    deployment.config.loadBalancer = { port };
    await change([...edge, "update Network::network", "update Readiness::ready"]);
    expect(await instances("/cluster2")).toEqual(before);
    await expect(fetch(previous)).rejects.toThrow();
  });

  it("changes the health check's interval without touching a machine", async () => {
    const before = await instances("/cluster2");
    deployment.config.loadBalancer = { port, healthCheck: { intervalSeconds: 7 } };
    await change([
      "update LoadBalancer::edge",
      "update MachineGroup::cluster1",
      "update MachineGroup::cluster2",
    ]);
    expect(await instances("/cluster2")).toEqual(before);
  });

  it("moves a path: that cluster's machines are told of it, the other's stay", async () => {
    const other = await instances("/cluster1");
    cluster("cluster2").path = "/second";
    await change([...edge, "update MachineGroup::cluster2", "update Readiness::ready"]);
    expect((await instances("/second")).size).toBe(4);
    expect(await instances("/cluster1")).toEqual(other);
  });

  it("adds and removes a cluster", async () => {
    clusters().push({ name: "cluster3", min: 1, max: 1, path: "/cluster3" });
    await change([
      "create Cluster::cluster3",
      "create MachineGroup::cluster3",
      ...edge,
      "update Readiness::ready",
    ]);
    expect((await instances("/cluster3")).size).toBe(1);
    clusters().pop();
    await change([
      "delete Cluster::cluster3",
      "delete MachineGroup::cluster3",
      ...edge,
      "update Readiness::ready",
    ]);
    expect((await fetch(`${url()}/cluster3`)).status).toBe(404);
  });

  it("rolls every machine when the service's code changes", async () => {
    const before = await ask(`${url()}/cluster1`);
    await appendFile(join(deployment.root, "service/server.ts"), "\nprocess.env.EDIT = 'changed';\n");
    await change([
      "replace StoredObject::release",
      "update MachineGroup::cluster1",
      "update MachineGroup::cluster2",
      "update Readiness::ready",
    ]);
    const after = await ask(`${url()}/cluster1`);
    expect(after.instances.isDisjointFrom(before.instances)).toBe(true);
    expect(after.releases.isDisjointFrom(before.releases)).toBe(true);
    expect(after.releases.size).toBe(1);
  });

  it("goes back to a kept release without building, and keeps what runs", async () => {
    const releases = (...args: string[]) =>
      deployment.script("releases.ts", "--stack", deployment.stack, ...args).ended;
    const up = (id: string) => deployment.npm("up", "--yes", "--skip-preview", "--release", id);
    const [now = ""] = (await ask(`${url()}/cluster1`)).releases;
    const [, newest = "", older = ""] = (await releases("ls", "--full")).stdout.split("\n");
    expect(newest).toMatch(new RegExp(`^${now} .* \\d × cluster1, \\d × cluster2$`));
    const [before = ""] = older.split(" ");
    expect((await up("0123abcd")).stderr).toContain("keeps no release 0123abcd; it keeps:");
    const result = await up(before.slice(0, 12));
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect((await ask(`${url()}/cluster1`)).releases).toEqual(new Set([before]));
    expect((await releases("rm", before)).stderr).toContain(`machines run ${before.slice(0, 12)}: `);
    const removed = await releases("rm", now.slice(0, 12));
    expect(removed.code, removed.stdout + removed.stderr).toBe(0);
    const left = (await releases()).stdout;
    expect(left).toContain(before.slice(0, 12));
    expect(left).not.toContain(now.slice(0, 12));
    // The next one builds again, and stores what it had removed.
    const built = await deployment.up();
    expect(built.code, built.stdout + built.stderr).toBe(0);
    expect((await ask(`${url()}/cluster1`)).releases).toEqual(new Set([now]));
  });

  it("refuses a wrong configuration as a whole, and touches nothing", async () => {
    const before = await instances("/cluster1");
    const good = structuredClone(deployment.config);
    deployment.config = {
      ...good,
      machine: 3,
      clusters: [{ name: "cluster1", min: 5, max: 4, subnets: [9] }],
    };
    const result = await deployment.up();
    expect(result.code).not.toBe(0);
    for (const key of ["switchyard:machine", "clusters[0].max", "clusters[0].subnets[0]"]) {
      expect(result.stdout + result.stderr).toContain(key);
    }
    deployment.config = good;
    expect(await deployment.preview()).toEqual([]);
    expect(await instances("/cluster1")).toEqual(before);
  });

  it("refuses a cloud that is not built before it registers anything", async () => {
    const good = deployment.config;
    deployment.config = { ...good, cloud: "elsewhere" };
    const result = await deployment.up();
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toContain("elsewhere");
    deployment.config = good;
    expect(await deployment.preview()).toEqual([]);
  });

  it("names who holds a taken port", async () => {
    const good = structuredClone(deployment.config);
    const holder: Server = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port: taken } = holder.address() as { port: number };
    deployment.config = { ...good, loadBalancer: { port: taken } };
    const result = await deployment.up();
    holder.close();
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toContain(`127.0.0.1:${taken} is taken by`);
    expect(result.stdout + result.stderr).toContain(`process ${process.pid}`);
    deployment.config = good;
    // The engine has recorded what the component was asked for, although nothing in it has changed.
    expect(await deployment.preview()).toEqual(["update LoadBalancer::edge"]);
  });

  it("keeps the protected bucket, and finds it again", async () => {
    const { bucketName } = await deployment.outputs();
    const destroyed = await deployment.destroy("--exclude-protected");
    expect(destroyed.code, destroyed.stdout + destroyed.stderr).toBe(0);
    await expect(fetch(url())).rejects.toThrow();
    const again = await deployment.up();
    expect(again.code, again.stdout + again.stderr).toBe(0);
    expect((await deployment.outputs()).bucketName).toBe(bucketName);
  });

  it("leaves nothing when the bucket may go", async () => {
    deployment.config.bucket = { protect: false, empty: true };
    await change(["update Bucket::files"]);
    const destroyed = await deployment.destroy();
    expect(destroyed.code, destroyed.stdout + destroyed.stderr).toBe(0);
    await expect.poll(() => deployment.processes(), { timeout: 15_000 }).toEqual([]);
    await expect(fetch(url())).rejects.toThrow();
    expect((await deployment.files()).filter((file) => file.includes("/buckets/"))).toEqual([]);
  });
});
