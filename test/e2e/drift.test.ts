import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LocalCloud } from "../../providers/local/cloud/client.ts";
import type { State } from "../../providers/local/cloud/store.ts";
import { freePort } from "../support/ports.ts";
import { ask, Deployment } from "./deployment.ts";

let deployment: Deployment;
let cloud: LocalCloud;
let port: number;

function state(): State {
  return JSON.parse(readFileSync(join(cloud.home, "state.json"), "utf8")) as State;
}

function only<T>(collection: Readonly<Record<string, T>>): [id: string, value: T] {
  const [entry] = Object.entries(collection);
  if (!entry) throw new Error("the collection is empty");
  return entry;
}

/** `preview --refresh` must say the change; `refresh` and `up` must undo it. */
async function restores(expected: string): Promise<void> {
  expect(await deployment.preview("--refresh")).toContain(expected);
  const refreshed = await deployment.refresh();
  expect(refreshed.code, refreshed.stdout + refreshed.stderr).toBe(0);
  const restored = await deployment.up();
  expect(restored.code, restored.stdout + restored.stderr).toBe(0);
  expect(await deployment.preview("--refresh")).toEqual([]);
  expect((await ask(`http://127.0.0.1:${port}/app`)).instances.size).toBe(2);
}

beforeAll(async () => {
  port = await freePort();
  deployment = await Deployment.up({
    cloud: "local",
    network: { cidr: "10.97.0.0/16", subnets: [{ cidr: "10.97.1.0/24" }] },
    clusters: [{ name: "app", min: 1, max: 4, desired: 2, path: "/app" }],
    loadBalancer: { port },
    bucket: { protect: false, empty: true },
    rollout: { drainSeconds: 2, timeoutSeconds: 60 },
  });
  cloud = await deployment.cloud();
}, 60_000);

afterAll(() => deployment?.remove(), 30_000);

describe("behind Pulumi's back", { timeout: 90_000 }, () => {
  it("nothing has changed at first", async () => {
    expect(await deployment.preview("--refresh")).toEqual([]);
  });

  it("a group is resized", async () => {
    const [id, { spec }] = only(state().groups);
    await cloud.put("groups", id, { ...spec, desired: 1 });
    await restores("update MachineGroup::app");
  });

  it("a group is removed", async () => {
    await cloud.delete("groups", only(state().groups)[0]);
    await restores("create MachineGroup::app");
  });

  it("a load balancer is edited", async () => {
    const [id, spec] = only(state().loadBalancers);
    await cloud.put("loadBalancers", id, { ...spec, allow: ["192.0.2.0/24"] });
    await expect(fetch(`http://127.0.0.1:${port}/app`)).rejects.toThrow();
    await restores("update LoadBalancer::edge");
  });

  it("a load balancer is removed", async () => {
    await cloud.delete("loadBalancers", only(state().loadBalancers)[0]);
    await restores("create LoadBalancer::edge");
  });

  it("the stack is renamed", async () => {
    const before = (await cloud.machines()).map(({ id }) => id);
    await deployment.rename("renamed");
    expect(await deployment.preview("--refresh")).toEqual([]);
    const { code, stdout, stderr } = await deployment.up();
    expect(code, stdout + stderr).toBe(0);
    expect((await cloud.machines()).map(({ id }) => id)).toEqual(before);
    for (const name of ["renamed", "organization/switchyard/renamed"]) {
      const listed = await deployment.script("machines.ts", "--stack", name).ended;
      for (const id of before) expect(listed.stdout, listed.stderr).toContain(id);
    }
    expect(await readdir(deployment.home)).toEqual([basename(cloud.home)]);
  });

  it("the release is removed from the bucket", async () => {
    const { release } = (await deployment.outputs()) as { release: string };
    await cloud.deleteObject(only(state().buckets)[0], `releases/${release}.tar.gz`);
    await restores("create StoredObject::release");
  });
});
