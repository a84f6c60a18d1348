import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { LocalCloud } from "../../../providers/local/cloud/client.ts";
import { processStart } from "../../../providers/local/cloud/process.ts";
import type { LoadBalancerSpec } from "../../../providers/local/cloud/specs.ts";
import { lost, underLoad } from "../../e2e/load.ts";
import {
  groupSpec,
  kill,
  type MachineAnswer,
  patience,
  processesIn,
  TestCloud,
  temporaryFolder,
} from "../../support/local-cloud.ts";
import { freePort } from "../../support/ports.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

let cloud: TestCloud;

beforeEach(() => {
  cloud = TestCloud.create();
});

/** Two machines behind a load balancer. */
async function deployed(): Promise<{ spec: LoadBalancerSpec; url: string }> {
  const group = await groupSpec({
    desired: 2,
    rollout: { minHealthyPercent: 100, drainSeconds: 30, timeoutSeconds: 20 },
  });
  await cloud.deploy(group);
  const edge = { address: "127.0.0.1", port: await freePort(), allow: ["127.0.0.0/8"] };
  const backends = [{ name: "cluster1", groups: [cloud.group], weight: 1 }];
  const spec = { ...edge, healthCheck: group.healthCheck, backends };
  await cloud.put("loadBalancers", "edge", spec);
  const url = `http://127.0.0.1:${edge.port}`;
  await expect.poll(async () => (await fetch(url)).status, patience).toBe(200);
  return { spec, url };
}

async function supervisors(): Promise<number[]> {
  const planes = await cloud.controlPlanes();
  const machines = await processesIn(cloud.machinesFolder);
  return (await processesIn(cloud.home)).filter((pid) => !planes.includes(pid) && !machines.includes(pid));
}

test("a backend has the machines of all of its groups, as they come and go", async () => {
  const { spec, url } = await deployed();
  const extra = "extra-0000000";
  const peak = await groupSpec({ name: "extra", desired: 1, min: 0 });
  await cloud.put("groups", extra, peak);
  const backends = [{ name: "cluster1", groups: [cloud.group, extra], weight: 1 }];
  await cloud.put("loadBalancers", "edge", { ...spec, backends });
  const answering = async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => fetch(url)));
    return new Set(await Promise.all(answers.map(async (one) => ((await one.json()) as MachineAnswer).pid)));
  };
  await expect.poll(async () => (await answering()).size, patience).toBe(3);
  await cloud.put("groups", extra, { ...peak, desired: 0 });
  await expect.poll(async () => (await answering()).size, patience).toBe(2);
  const stranger = request(url, { headers: { host: "evil.test" } }).end();
  const [refused] = await once(stranger, "response");
  expect(refused.statusCode).toBe(421);
});

describe("a control plane that is replaced", () => {
  test("loses no request, finishes an upload, and its successor takes changes meanwhile", async () => {
    const { spec, url } = await deployed();
    const before = await cloud.pids();
    const upload = request(url, { method: "POST" });
    upload.write("the first half");
    const { load, result } = await underLoad(url, ["/", "/a"], async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const first = await cloud.pid();
      await cloud.replace();
      const second = await cloud.pid();
      await cloud.put("loadBalancers", "edge", { ...spec, allow: ["127.0.0.0/8", "192.0.2.0/24"] });
      await new Promise((resolve) => setTimeout(resolve, 500));
      return [first, second];
    });
    expect(new Set(result).size).toBe(2);
    expect(load.requests.total).toBeGreaterThan(100);
    expect(lost(load)).toBe(0);
    upload.end("the second half");
    const [response] = await once(upload, "response");
    expect([response.statusCode, await response.setEncoding("utf8").toArray()]).toEqual([200, ["received"]]);
    expect(await cloud.pids()).toEqual(before);
    expect(await cloud.get("loadBalancers", "edge")).toMatchObject({
      allow: ["127.0.0.0/8", "192.0.2.0/24"],
    });
    await expect.poll(() => cloud.controlPlanes(), patience).toEqual([result[1]]);
    await expect.poll(() => supervisors(), patience).toHaveLength(1);
  });
});

describe("supervision", () => {
  test("comes back when the supervisor was killed, and brings the control plane back", async () => {
    const { url } = await deployed();
    const machines = await cloud.pids();
    for (let round = 0; round < 2; round += 1) {
      const [supervisor = 0] = await supervisors();
      const [plane = 0] = await cloud.controlPlanes();
      kill(supervisor);
      await expect
        .poll(async () => (await supervisors()).filter((pid) => pid !== supervisor), patience)
        .toHaveLength(1);
      expect(await cloud.controlPlanes()).toEqual([plane]);
      kill(plane);
      await expect.poll(async () => ![undefined, plane].includes(await cloud.pid()), patience).toBe(true);
    }
    expect(await cloud.pids()).toEqual(machines);
    await expect.poll(async () => (await fetch(url)).status, patience).toBe(200);
  });

  test("replaces a control plane that hangs; calls wait for the next, or end when they are told to", async () => {
    await cloud.deploy(await groupSpec({ desired: 1 }));
    const machines = await cloud.pids();
    const [plane = 0] = await cloud.controlPlanes();
    kill(plane, "SIGSTOP");
    const cancelled = new AbortController();
    const call = new LocalCloud(cloud.home, cancelled.signal).get("groups", cloud.group);
    cancelled.abort(new Error("the deployment was cancelled"));
    await expect(call).rejects.toThrow("the deployment was cancelled");
    expect(await cloud.outcome()).toEqual({ desired: 1, ready: 1, outdated: 0 });
    expect(await cloud.controlPlanes()).not.toContain(plane);
    expect(await cloud.pids()).toEqual(machines);
  });

  test("and control plane get what they need of the caller's environment, and no more", async () => {
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "a-secret-of-the-caller");
    onTestFinished(() => void vi.unstubAllEnvs());
    await cloud.put("buckets", "files", { empty: true });
    const pids = await processesIn(cloud.home);
    expect(pids.length).toBeGreaterThan(1);
    for (const pid of pids) {
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      expect(environment).toContain("PATH=");
      expect(environment).not.toContain("a-secret-of-the-caller");
    }
  });
});

test("a control plane that does not hold the lock touches nothing", async () => {
  await cloud.deploy(await groupSpec({ desired: 1 }));
  const unfinished = join(cloud.home, "buckets/files/.upload-1-1-a");
  mkdirSync(join(cloud.home, "buckets/files"), { recursive: true });
  writeFileSync(unfinished, "half");
  mkdirSync(join(cloud.machinesFolder, "m-unknown"));
  const main = join(import.meta.dirname, "../../../providers/local/cloud/main.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, cloud.home, "other"], {
    encoding: "utf8",
  });
  expect(status).not.toBe(0);
  expect(stdout + stderr).toContain("is started by supervise.sh");
  expect(readdirSync(join(cloud.home, "buckets/files"))).toEqual([".upload-1-1-a"]);
  expect(readdirSync(cloud.machinesFolder)).toContain("m-unknown");
  expect((await cloud.outcome()).ready).toBe(1);
});

test("a cloud whose folder is deleted ends, machines and all, and the folder stays deleted", async () => {
  await cloud.deploy(await groupSpec({ desired: 2 }));
  const pids = await processesIn(cloud.home);
  expect(pids.length).toBeGreaterThan(3);
  rmSync(cloud.home, { recursive: true });
  await expect.poll(() => pids.filter((pid) => processStart(pid) !== undefined), patience).toEqual([]);
  expect(existsSync(cloud.home)).toBe(false);
  expect(await cloud.machines()).toEqual([]);
});

test("a state that knows nothing ends no machine: what runs tells that it is wrong", async () => {
  await cloud.deploy(await groupSpec({ desired: 2 }));
  const machines = await cloud.pids();
  const state = join(cloud.home, "state.json");
  const good = readFileSync(state, "utf8");
  await cloud.crash();
  const nothing = { networks: {}, buckets: {}, groups: {}, loadBalancers: {}, machines: {} };
  writeFileSync(state, JSON.stringify({ version: 1, endpointPort: 0, ...nothing }));
  await expect(cloud.machines()).rejects.toThrow("is missing or knows nothing, but machines run (processes ");
  expect((await processesIn(cloud.machinesFolder)).sort()).toEqual(machines.toSorted());
  writeFileSync(state, good);
  expect(await cloud.outcome()).toEqual({ desired: 2, ready: 2, outdated: 0 });
  expect(await cloud.pids()).toEqual(machines);
});

test("a folder that cannot be made is refused at once, with what to change", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  for (const home of ["/proc/nothing/here", file, join(file, "below")]) {
    await expect(new LocalCloud(home).put("buckets", "files", { empty: true })).rejects.toThrow(
      `the local cloud's folder ${home} cannot be made: `,
    );
    await expect(new LocalCloud(home).get("buckets", "files")).rejects.toThrow(
      "Set SWITCHYARD_HOME to a folder",
    );
  }
});
