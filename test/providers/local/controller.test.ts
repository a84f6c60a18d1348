import { beforeEach, expect, test, vi } from "vitest";
import type { GroupSpec, MachineInfo } from "../../../providers/local/cloud/specs.ts";
import type { Compute } from "../../../service/compute/compute.ts";
import { openLocalCompute } from "../../../service/compute/local.ts";
import { askMachine, groupSpec, kill, patience, TestCloud } from "../../support/local-cloud.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const peak = "cluster1-standard-0000000";

let cloud: TestCloud;
let spec: GroupSpec;

beforeEach(async () => {
  cloud = TestCloud.create();
  const { desired: _, ...without } = await groupSpec({ name: "cluster1-standard", min: 0, max: 3 });
  spec = without;
  expect(await cloud.deploy(spec, peak)).toMatchObject({ desired: 0, ready: 0 });
});

/** What a machine of a group may do with other groups. */
async function computeOf(group: string): Promise<Compute> {
  const machine = (await cloud.machines()).find((machine) => machine.group === group);
  return openLocalCompute((await askMachine(machine as MachineInfo)).identity);
}

async function controller(): Promise<Compute> {
  await cloud.deploy(await groupSpec({ name: "controller", desired: 1, controls: [peak] }));
  return computeOf(cloud.group);
}

test("a controller sets the size of its groups, and sees what came of it", async () => {
  const compute = await controller();
  expect(await compute.groups([peak, "gone"])).toEqual([{ id: peak, size: 0, running: 0 }]);
  await compute.resize(peak, 2);
  await compute.resize(peak, 2);
  await expect.poll(() => compute.groups([peak]), patience).toEqual([{ id: peak, size: 2, running: 2 }]);
  const before = await cloud.pids(peak);

  expect(await cloud.deploy({ ...spec, max: 4 }, peak)).toMatchObject({ desired: 2, ready: 2 });
  expect(await cloud.pids(peak)).toEqual(before);
  kill(before[0] ?? 0);
  await expect
    .poll(async () => (await cloud.pids(peak)).filter((pid) => !before.includes(pid)).length, patience)
    .toBe(1);

  await compute.resize(peak, 0);
  await expect.poll(() => cloud.pids(peak), patience).toEqual([]);
});

test("a size that was set is there after the control plane was killed", async () => {
  const compute = await controller();
  await compute.resize(peak, 1);
  await cloud.crash();
  expect(await cloud.settled(peak, AbortSignal.timeout(20_000))).toMatchObject({ desired: 1, ready: 1 });
  expect(await compute.groups([peak])).toEqual([{ id: peak, size: 1, running: 1 }]);
});

test("a controller may set no other group's size, nor one beyond the limits", async () => {
  const compute = await controller();
  await expect(compute.resize(peak, 4)).rejects.toThrow(/409: .*has 0 to 3 machines, not 4/);
  await expect(compute.resize(peak, 0.5)).rejects.toThrow("400: the body must have a size, a whole number");
  await expect(compute.resize(cloud.group, 2)).rejects.toThrow("403: not its group");
  await cloud.deploy({ ...spec, desired: 1 }, peak);
  await expect(compute.resize(peak, 2)).rejects.toThrow(/409: .*is its deployment's to set/);
});

test("a machine of the app may set no size at all", async () => {
  await cloud.deploy(await groupSpec({ desired: 1 }));
  const compute = await computeOf(cloud.group);
  await expect(compute.groups([peak])).rejects.toThrow("403: only a controller may do this");
  await expect(compute.resize(peak, 1)).rejects.toThrow("403: only a controller may do this");
  expect((await cloud.get("groups", peak))?.max).toBe(3);
});

test("a controller sees what the cloud has to offer", async () => {
  const compute = await controller();
  await cloud.put("networks", "net", {
    cidr: "10.95.0.0/16",
    subnets: ["10.95.1.0/24"],
    edge: { address: "127.0.0.1", port: 1, allow: [] },
  });
  expect(await compute.flavors()).toContainEqual({ id: "local.large", name: "local.large", memoryMiB: 512 });
  expect(await compute.networks()).toEqual([{ id: "net", name: "10.95.0.0/16", cidr: "10.95.0.0/16" }]);
  expect(await compute.images()).toHaveLength(1);
});
