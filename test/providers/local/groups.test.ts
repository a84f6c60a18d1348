import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ControlPlane } from "../../../providers/local/cloud/control-plane.ts";
import {
  askMachine,
  groupSpec,
  kill,
  nextSubnet,
  patience,
  processesIn,
  serverScript,
  TestCloud,
} from "../../support/local-cloud.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cloud: TestCloud;

type LogLine = { readonly msg: string; readonly retryInMs?: number };

/** A control plane in this process, with what it logs. */
async function startPlane(): Promise<{ plane: ControlPlane; lines: LogLine[] }> {
  const lines: LogLine[] = [];
  const log = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });
  const plane = await ControlPlane.start({ home: cloud.home, version: "test", log, onStopped: () => {} });
  onTestFinished(() => plane.stop("the test is over"));
  return { plane, lines };
}

beforeEach(() => {
  cloud = TestCloud.create();
});

describe("a group", () => {
  test("gets machines that answer, each on an address of its own", async () => {
    const spec = await groupSpec({ desired: 3 });
    expect(await cloud.deploy(spec)).toEqual({ desired: 3, ready: 3, outdated: 0 });
    const machines = await cloud.machines();
    expect(machines).toHaveLength(3);
    expect(new Set(machines.map(({ address }) => address)).size).toBe(3);
    for (const machine of machines) {
      expect(machine).toMatchObject({
        group: cloud.group,
        cluster: "cluster1",
        port: spec.port,
        machineType: "local.small",
        state: "running",
        restarts: 0,
      });
      expect(machine.id).toMatch(/^m-[0-9a-f]{12}$/);
      expect(machine.address).toMatch(/^127\.95\.\d+\.1\d$/);
      expect(await askMachine(machine)).toMatchObject({ pid: machine.pid, version: "1" });
      expect(machine).not.toHaveProperty("token");
    }
  });

  test("has `min` machines when no number is asked for, then keeps the number it has", async () => {
    const { desired: _, ...spec } = await groupSpec({ min: 2, max: 4 });
    expect(await cloud.deploy(spec)).toMatchObject({ desired: 2, ready: 2 });
    expect(await cloud.deploy({ ...spec, desired: 3 })).toMatchObject({ desired: 3, ready: 3 });
    expect(await cloud.deploy(spec)).toMatchObject({ desired: 3, ready: 3 });
    expect(await cloud.deploy({ ...spec, max: 2 })).toMatchObject({ desired: 2, ready: 2 });
  });

  test("grows and shrinks without touching the machines that stay", async () => {
    const spec = await groupSpec({ desired: 2 });
    await cloud.deploy(spec);
    const before = new Set(await cloud.pids());
    await cloud.deploy({ ...spec, desired: 4 });
    const grown = new Set(await cloud.pids());
    expect(grown.size).toBe(4);
    expect(before.isSubsetOf(grown)).toBe(true);
    await cloud.deploy({ ...spec, desired: 1 });
    const left = await cloud.pids();
    expect(left).toHaveLength(1);
    expect(new Set(left).isSubsetOf(grown)).toBe(true);
    expect(await processesIn(cloud.machinesFolder)).toEqual(left);
  });

  test("does not launch more than asked for when the same call comes again at once", async () => {
    const { plane } = await startPlane();
    const spec = await groupSpec({ desired: 3 });
    await Promise.all([plane.put("groups", cloud.group, spec), plane.put("groups", cloud.group, spec)]);
    await plane.groups.settled(cloud.group, new AbortController().signal);
    expect(plane.machines()).toHaveLength(3);
    // The folder of the logs of machines that are gone comes with the first of them.
    expect(readdirSync(cloud.home)).not.toContain("logs");
    await plane.delete("groups", cloud.group);
    expect(await processesIn(cloud.machinesFolder)).toEqual([]);
  });

  test("spreads machines evenly over its subnets, also when it replaces one", async () => {
    const subnets = [nextSubnet(), nextSubnet()];
    const counts = async () => {
      const octets = (await cloud.machines()).map(({ address }) => address.split(".")[2]);
      return subnets.map((subnet) => octets.filter((octet) => octet === subnet.split(".")[2]).length);
    };
    await cloud.deploy(await groupSpec({ desired: 4, subnets }));
    expect(await counts()).toEqual([2, 2]);
    for (const victim of (await cloud.pids()).slice(0, 2)) {
      kill(victim);
      await cloud.serving(4, victim);
      expect(await counts()).toEqual([2, 2]);
    }
  });

  test("replaces a machine that was killed, and counts it", async () => {
    await cloud.deploy(await groupSpec({ desired: 2 }));
    const [victim = 0, other] = await cloud.pids();
    kill(victim);
    await cloud.serving(2, victim);
    const machines = await cloud.machines();
    expect(machines.map(({ pid }) => pid)).toContain(other);
    expect(machines.map(({ restarts }) => restarts).sort()).toEqual([0, 1]);
  });

  test("replaces a machine that does not answer any more, and ends it", async () => {
    await cloud.deploy(await groupSpec({ desired: 2 }));
    const [victim = 0] = await cloud.pids();
    kill(victim, "SIGSTOP");
    await cloud.serving(2, victim);
    expect((await processesIn(cloud.machinesFolder)).sort()).toEqual((await cloud.pids()).sort());
  });

  test("rolls to a new startup script, and never has fewer machines that serve than it must", async () => {
    const spec = await groupSpec({ desired: 3 });
    await cloud.deploy(spec);
    const before = new Set(await cloud.pids());
    let settled = false;
    const end = cloud.deploy({ ...spec, startupScript: serverScript(spec.port, "2") }).finally(() => {
      settled = true;
    });
    while (!settled) {
      const serving = (await cloud.machines()).filter(({ state }) => state === "running");
      expect(serving.length).toBeGreaterThanOrEqual(3);
    }
    expect(await end).toEqual({ desired: 3, ready: 3, outdated: 0 });
    expect(before.isDisjointFrom(new Set(await cloud.pids()))).toBe(true);
    for (const machine of await cloud.machines())
      expect(await askMachine(machine)).toMatchObject({ version: "2" });
    expect((await processesIn(cloud.machinesFolder)).sort()).toEqual((await cloud.pids()).sort());
  });

  test("leaves no process, folder or record when it is deleted, and may be deleted again", async () => {
    await cloud.deploy(await groupSpec({ desired: 3 }));
    await cloud.delete("groups", cloud.group);
    expect(await processesIn(cloud.machinesFolder)).toEqual([]);
    expect(readdirSync(cloud.machinesFolder)).toEqual([]);
    expect(await cloud.get("groups", cloud.group)).toBeUndefined();
    expect(cloud.state).toMatchObject({ groups: {}, machines: {} });
    expect(readdirSync(join(cloud.home, "logs"))).toHaveLength(3);
    await cloud.delete("groups", cloud.group);
  });

  test("leaves nothing when it is deleted while its machines are being started", async () => {
    await cloud.put("groups", cloud.group, await groupSpec({ desired: 4 }));
    await cloud.delete("groups", cloud.group);
    expect(await processesIn(cloud.machinesFolder)).toEqual([]);
    expect(cloud.state).toMatchObject({ groups: {}, machines: {} });
  });
});

describe("machines that cannot be started", () => {
  test("are tried again within half a minute, however many failed, and leave nothing behind", async () => {
    const { plane, lines } = await startPlane();
    mkdirSync(cloud.home, { recursive: true });
    writeFileSync(cloud.machinesFolder, "no folder");
    const spec = await groupSpec({ desired: 9 });
    await plane.put("groups", cloud.group, spec);
    const { failure } = await plane.groups.settled(cloud.group, new AbortController().signal);
    expect(failure).toContain("no machine of cluster1 can be started: ");
    const failed = () => lines.filter(({ msg }) => msg === "machine could not be started");
    await expect.poll(() => failed().length, patience).toBe(9);
    expect(failed().map(({ retryInMs }) => retryInMs)).toEqual([
      1_000,
      2_000,
      4_000,
      8_000,
      16_000,
      ...Array(4).fill(30_000),
    ]);
    await plane.stop("another takes over");
    rmSync(cloud.machinesFolder);
    const { plane: next } = await startPlane();
    expect(next.groups.status(cloud.group)).toMatchObject({ ready: 0, failure });
    await next.put("groups", cloud.group, { ...spec, desired: 1 });
    expect(await next.groups.settled(cloud.group, new AbortController().signal)).toEqual({
      desired: 1,
      ready: 1,
      outdated: 0,
    });
    expect(readdirSync(cloud.machinesFolder)).toEqual(next.machines().map(({ id }) => id));
    await next.delete("groups", cloud.group);
  });
});

describe("a full disk", () => {
  test("refuses what would need room, and says so; what was done is written when there is room", async () => {
    const spec = await groupSpec({ desired: 1 });
    await cloud.deploy(spec);
    await cloud.deploy(await groupSpec({ desired: 1 }), "other-1111111");
    const full = join(cloud.home, "state.json.previous");
    rmSync(full);
    symlinkSync("/dev/full", full);
    const said = `the disk that holds ${cloud.home} is full`;
    await expect(cloud.put("groups", "new-2222222", spec)).rejects.toThrow(said);
    expect(await cloud.get("groups", "new-2222222")).toBeUndefined();
    await expect(cloud.put("groups", cloud.group, { ...spec, desired: 2 })).rejects.toThrow(said);
    expect(await cloud.get("groups", cloud.group)).toEqual(spec);
    await cloud.delete("groups", "other-1111111");
    expect(Object.keys(cloud.state.groups)).toHaveLength(2);
    const [victim = 0] = await cloud.pids();
    kill(victim);
    await cloud.serving(1, victim);
    rmSync(full);
    await expect.poll(() => Object.keys(cloud.state.groups), patience).toEqual([cloud.group]);
    await cloud.crash();
    expect(await cloud.outcome()).toEqual({ desired: 1, ready: 1, outdated: 0 });
    expect(await cloud.pids()).toEqual(await processesIn(cloud.machinesFolder));
  });
});

describe("a bad startup script", () => {
  test("is reported with the machine's last log lines", async () => {
    const script = "echo line one\necho cannot find the thing >&2\nexit 3\n";
    const { failure, ...status } = await cloud.deploy(await groupSpec({ desired: 3, startupScript: script }));
    expect(status).toEqual({ desired: 3, ready: 0, outdated: 0 });
    expect(failure).toMatch(
      /^machine m-[0-9a-f]{12} of cluster1 ended before it was healthy; its last log lines:\n {2}line one\n {2}cannot find the thing$/,
    );
  });

  test("stops its rollout: the machines of before run on, and are replaced by their like", async () => {
    const spec = await groupSpec({ desired: 2 });
    await cloud.deploy(spec);
    const before = await cloud.pids();
    const bad = { ...spec, startupScript: "echo waiting\nexec sleep 60\n" };
    const { failure } = await cloud.deploy({ ...bad, rollout: { ...spec.rollout, timeoutSeconds: 1 } });
    expect(failure).toMatch(
      /of cluster1 was not healthy within 1 s \(GET \/healthz failed: .*ECONNREFUSED.*\); its last log lines:\n {2}waiting/,
    );
    await expect.poll(() => cloud.pids(), patience).toEqual(before);
    const [victim = 0] = before;
    kill(victim);
    await cloud.serving(2, victim);
    for (const machine of await cloud.machines())
      expect(await askMachine(machine)).toMatchObject({ version: "1" });
    expect(await cloud.deploy(spec)).toEqual({ desired: 2, ready: 2, outdated: 0 });
  });
});
