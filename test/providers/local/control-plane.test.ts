import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { LocalCloud, reap } from "../../../providers/local/cloud/client.ts";
import { isAlive } from "../../../providers/local/cloud/process.ts";
import type { MachineInfo } from "../../../providers/local/cloud/specs.ts";
import { askMachine, groupSpec, kill, patience, processesIn, TestCloud } from "../../support/local-cloud.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cloud: TestCloud;

beforeEach(() => {
  cloud = TestCloud.create();
});

describe("the control plane", () => {
  test("keeps its folder and socket for its owner alone", async () => {
    await cloud.put("buckets", "files", { empty: true });
    const modeOf = (name: string) => statSync(join(cloud.home, name)).mode & 0o777;
    expect(["", "control.sock", "state.json"].map(modeOf)).toEqual([0o700, 0o600, 0o600]);
  });

  test("is started again by the next call after it was killed, and takes over its machines", async () => {
    await cloud.deploy(await groupSpec({ desired: 3 }));
    const before = await cloud.pids();
    const [machine] = await cloud.machines();
    const { identity } = await askMachine(machine as MachineInfo);
    await cloud.crash();
    expect(await cloud.pid()).toBeUndefined();
    expect(await cloud.outcome()).toEqual({ desired: 3, ready: 3, outdated: 0 });
    expect(await cloud.pids()).toEqual(before);
    expect(await (await fetch(`${identity}/instance-id`)).text()).toBe(machine?.id);
    const [victim = 0] = before;
    kill(victim);
    await cloud.serving(3, victim);
  });

  test("is started again by itself when it alone was killed", async () => {
    await cloud.deploy(await groupSpec({ desired: 2 }));
    const before = await cloud.pids();
    const [killed = 0] = await cloud.controlPlanes();
    expect(await cloud.pid()).toBe(killed);
    kill(killed);
    await expect.poll(async () => ![undefined, killed].includes(await cloud.pid()), patience).toBe(true);
    expect(await cloud.outcome()).toEqual({ desired: 2, ready: 2, outdated: 0 });
    expect(await cloud.pids()).toEqual(before);
  });

  test("replaces a machine that ended while no control plane ran", async () => {
    await cloud.deploy(await groupSpec({ desired: 2 }));
    const [victim = 0, other] = await cloud.pids();
    await cloud.crash();
    kill(victim);
    await cloud.serving(2, victim);
    expect(await cloud.pids()).toContain(other);
  });

  test("ends a machine that was started but never recorded", async () => {
    await cloud.deploy(await groupSpec({ desired: 2 }));
    await cloud.crash();
    const known = cloud.state;
    const [orphan] = Object.values(known.machines);
    if (!orphan) throw new Error("there is no machine");
    const { [orphan.id]: _, ...machines } = known.machines;
    writeFileSync(join(cloud.home, "state.json"), JSON.stringify({ ...known, machines }));
    expect(isAlive(orphan)).toBe(true);
    expect(await cloud.outcome()).toEqual({ desired: 2, ready: 2, outdated: 0 });
    expect(isAlive(orphan)).toBe(false);
    expect((await processesIn(cloud.machinesFolder)).sort()).toEqual((await cloud.pids()).sort());
  });

  test("runs once, even when several calls find it killed", async () => {
    await cloud.deploy(await groupSpec({ desired: 2 }));
    const before = await cloud.pids();
    await cloud.crash();
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => cloud.outcome()));
    expect(outcomes).toEqual(Array(6).fill({ desired: 2, ready: 2, outdated: 0 }));
    expect(await cloud.pids()).toEqual(before);
    await expect.poll(() => cloud.controlPlanes(), patience).toHaveLength(1);
  });

  test("refuses to start from a damaged state, and says why", async () => {
    await cloud.put("buckets", "files", { empty: true });
    await cloud.crash();
    const file = join(cloud.home, "state.json");
    writeFileSync(file, readFileSync(file, "utf8").slice(0, 30));
    const refused = cloud.get("buckets", "files");
    await expect(refused).rejects.toThrow(
      `control plane failed: the local cloud's state file ${file} is damaged`,
    );
    await expect(refused).rejects.toThrow(`move it to ${file} and run the command again`);
  });

  test("works in a folder whose socket path is too long for the kernel", async () => {
    const deep = TestCloud.create("a-deep-folder".repeat(5), "a-deep-folder".repeat(5));
    expect(Buffer.byteLength(join(deep.home, "control.sock"))).toBeGreaterThan(108);
    expect(await deep.deploy(await groupSpec({ desired: 1 }))).toMatchObject({ ready: 1 });
    const before = await deep.pids();
    await deep.crash();
    expect(await deep.outcome()).toMatchObject({ ready: 1 });
    expect(await deep.pids()).toEqual(before);
  });

  test("reaps what no deployment knows, keeps buckets, and ends when nothing is left to run", async () => {
    await cloud.put("buckets", "files", { empty: true });
    await cloud.deploy(await groupSpec({ desired: 1 }));
    await cloud.deploy(await groupSpec({ desired: 1 }), "unknown-1111111");
    expect(await reap(cloud.home, [cloud.group, "files"])).toEqual(["unknown-1111111"]);
    expect(await cloud.pids("unknown-1111111")).toEqual([]);
    expect(await cloud.pids()).toHaveLength(1);
    expect(await cloud.pid()).toBeDefined();
    expect(await reap(cloud.home, [])).toEqual([cloud.group]);
    await expect.poll(() => processesIn(cloud.home), patience).toEqual([]);
    expect(cloud.state).toMatchObject({ groups: {}, machines: {}, buckets: { files: { empty: true } } });
  });

  test("is revived where it has kept something, and only there", async () => {
    await cloud.revive();
    expect(await processesIn(cloud.home)).toEqual([]);
    await cloud.deploy(await groupSpec({ desired: 1 }));
    const before = await cloud.pids();
    await cloud.crash();
    await cloud.revive();
    expect(await cloud.pid()).toBeDefined();
    expect(await cloud.pids()).toEqual(before);
  });

  test("is not started to reap, list or ask for what was never there", async () => {
    expect(await reap(cloud.home, [])).toEqual([]);
    expect(await cloud.machines()).toEqual([]);
    expect(await cloud.pid()).toBeUndefined();
    expect(await processesIn(cloud.home)).toEqual([]);
  });
});

describe("the identity endpoint", () => {
  let identity: string;

  beforeEach(async () => {
    await cloud.put("buckets", "files", { empty: true });
    const file = join(cloud.home, "content");
    writeFileSync(file, "some bytes");
    for (const key of ["releases/a.tar.gz", "runtimes/node.tgz", "files/private.csv"])
      await cloud.putObject("files", key, file);
    await cloud.deploy(await groupSpec({ desired: 1 }));
    const [machine] = await cloud.machines();
    identity = (await askMachine(machine as MachineInfo)).identity;
  });

  /** What a path is answered with, sent as it is: `fetch` would tidy it up. */
  async function answerTo(path: string): Promise<{ status: number | undefined; text: string }> {
    const { hostname, port, pathname } = new URL(identity);
    const call = request({ hostname, port, path: `${pathname}${path}` }).end();
    const [response] = await once(call, "response");
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk;
    return { status: response.statusCode, text };
  }

  test("tells a machine who it is, and gives it what it runs", async () => {
    const [machine] = await cloud.machines();
    expect(await (await fetch(`${identity}/instance-id`)).text()).toBe(machine?.id);
    for (const key of ["releases/a.tar.gz", "runtimes/node.tgz"]) {
      const response = await fetch(`${identity}/objects/${key}`);
      expect(response.headers.get("content-length")).toBe("10");
      expect(await response.text()).toBe("some bytes");
    }
  });

  test("knows nobody else", async () => {
    const other = identity.slice(0, -1) + (identity.endsWith("A") ? "B" : "A");
    expect((await fetch(`${other}/instance-id`)).status).toBe(404);
    expect((await fetch(`${other}/objects/releases/a.tar.gz`)).status).toBe(404);
    await cloud.delete("groups", cloud.group);
    expect((await fetch(`${identity}/instance-id`)).status).toBe(404);
  });

  test("gives nothing else away", async () => {
    const expected = {
      "files/private.csv": 403,
      "releases-not/a": 403,
      "../state.json": 403,
      "%2e%2e/%2e%2e/state.json": 403,
      releases: 403,
      "releases/": 400,
      "releases/../../../state.json": 400,
      "releases/%2e%2e/files/private.csv": 400,
      "releases/missing": 404,
    };
    for (const [key, status] of Object.entries(expected)) {
      const answer = await answerTo(`/objects/${key}`);
      expect(answer.status, key).toBe(status);
      expect(answer.text, key).not.toMatch(/some bytes|version/);
    }
  });
});

describe("objects", () => {
  let file: string;

  beforeEach(async () => {
    await cloud.put("buckets", "files", { empty: true });
    file = join(cloud.home, "content");
    writeFileSync(file, "some bytes");
  });

  test("are replaced as a whole, and found until they are deleted", async () => {
    expect(await cloud.objectHash("files", "releases/a", "sha256")).toBeUndefined();
    await cloud.putObject("files", "releases/a", file);
    writeFileSync(file, "other");
    await cloud.putObject("files", "releases/a", file);
    expect(await cloud.objectHash("files", "releases/a", "sha256")).toBeDefined();
    expect(readFileSync(join(cloud.home, "buckets/files/releases/a"), "utf8")).toBe("other");
    await cloud.deleteObject("files", "releases/a");
    expect(await cloud.objectHash("files", "releases/a", "sha256")).toBeUndefined();
  });

  test("cannot be outside their bucket, nor be folders", async () => {
    await expect(cloud.putObject("files", "a%2f..%2f..%2fb", file)).rejects.toThrow("is no object key");
    mkdirSync(join(cloud.home, "buckets/files/folder"));
    expect(await cloud.objectHash("files", "folder", "sha256")).toBeUndefined();
  });

  test("are put by another client of the same cloud, too", async () => {
    await new LocalCloud(cloud.home).putObject("files", "releases/b", file);
    expect(await cloud.objectHash("files", "releases/b", "sha256")).toBeDefined();
  });
});
