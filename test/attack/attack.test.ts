import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LocalCloud } from "../../providers/local/cloud/client.ts";
import { controlPlaneLog } from "../../providers/local/cloud/home.ts";
import { Deployment } from "../e2e/deployment.ts";
import { openFiles, residentMegabytes } from "../support/figures.ts";
import { freePort } from "../support/ports.ts";
import { numbersFrom } from "../support/random.ts";
import { fuzz } from "./fuzz.ts";
import { hostile, smuggledPath } from "./hostile.ts";
import { scale } from "./scale.ts";
import { type Edge, first, openMany, say, statusesIn, statusOf } from "./wire.ts";

const seed = Number(process.env.SWITCHYARD_SEED ?? Date.now() % 100_000);

/** How many random streams are sent at a time. */
const atOnce = 32;

/** How many heads come at a time; all of them are held. */
const headsAtOnce = 200;

/** What the control plane may have open more than before once an attack is over. */
const moreFiles = 100;

/** How long that may take, in milliseconds: connections to machines are kept for a minute. */
const keptMs = 75_000;

const honestPaths = ["/", "/cluster1", "/cluster2", "/healthz"];

let deployment: Deployment;
let cloud: LocalCloud;
let edge: Edge;
let pid: number;
let machines: string[];
let before: { files: number; megabytes: number };

async function figures(): Promise<typeof before> {
  return { files: openFiles(pid), megabytes: await residentMegabytes(pid) };
}

/** Each machine with its process, health and restarts, sorted. */
async function machineStates(): Promise<string[]> {
  const all = await cloud.machines();
  return all.map(({ id, pid: own, state, restarts }) => `${id} ${own} ${state} ${restarts}`).sort();
}

/** An honest client, whose address is no attacker's, is answered. */
async function honest(rounds = 5): Promise<void> {
  const paths = Array.from({ length: rounds }, () => honestPaths).flat();
  const statuses = [];
  for (const path of paths) statuses.push([path, await statusOf(edge, path)]);
  expect(statuses).toEqual(paths.map((path) => [path, 200]));
}

/** Why the load balancer could not get an answer for requests; at most one a second is in its log. */
async function failures(): Promise<string[]> {
  const log = await readFile(controlPlaneLog(cloud.home), "utf8");
  return log.split("\n").filter((line) => /"msg":"Answered 50[024]"/.test(line));
}

function closeAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

/** The control plane and its machines are those from before, serve, and hold on to nothing. */
async function unharmed(): Promise<void> {
  await honest();
  expect(await cloud.pid()).toBe(pid);
  expect(await machineStates()).toEqual(machines);
  await expect.poll(async () => openFiles(pid), { timeout: keptMs }).toBeLessThan(before.files + moreFiles);
  const now = await figures();
  expect(now.megabytes).toBeLessThan(before.megabytes + scale.megabytes);
  const [then, after] = [before, now].map(
    ({ files, megabytes }) => `${files} files, ${megabytes.toFixed()} MB`,
  );
  console.log(`control plane: ${then} before, ${after} now`);
}

beforeAll(async () => {
  edge = { host: "127.0.0.1", port: await freePort() };
  const group = { min: 2, max: 3 };
  deployment = await Deployment.up({
    cloud: "local",
    network: { cidr: "10.94.0.0/16", subnets: [{ cidr: "10.94.1.0/24" }] },
    clusters: [
      { name: "cluster1", path: "/cluster1", ...group },
      { name: "cluster2", path: "/cluster2", ...group },
    ],
    loadBalancer: { port: edge.port, healthCheck: { intervalSeconds: 2, timeoutSeconds: 1 } },
    bucket: { protect: false, empty: true },
  });
  cloud = await deployment.cloud();
  pid = (await cloud.pid()) ?? 0;
  machines = await machineStates();
  await honest();
  before = await figures();
}, 120_000);

afterAll(() => deployment?.remove(), 30_000);

describe("what no honest client sends is refused, and no machine hears of what is hidden in it", () => {
  it.each(hostile)("$name", async ({ bytes, statuses }) => {
    const given = statusesIn(await say(edge, "127.0.5.1", [Buffer.from(bytes, "latin1")]));
    expect(given.length).toBeGreaterThan(0);
    for (const status of given) expect(statuses).toContain(status);
  });

  it("and nothing was hidden that a machine has logged", { timeout: 120_000 }, async () => {
    const folder = join(cloud.home, "machines");
    const logs = await Promise.all(
      (await readdir(folder)).map((id) => readFile(join(folder, id, "log"), "utf8")),
    );
    const urls = [...logs.join("").matchAll(/"url":"([^"]*)"/g)].map(([, url]) => url ?? "");
    expect(urls).toContain("/cluster1");
    expect(urls.filter((url) => url.startsWith(smuggledPath))).toEqual([]);
    await unharmed();
  });
});

it(`${scale.streams} random streams, seed ${seed}`, { timeout: 600_000 }, async () => {
  const next = numbersFrom(seed);
  const streams = Array.from({ length: scale.streams }, () => fuzz(next));
  const counts = new Map<number, number>();
  const send = async (client: number) => {
    for (let pieces = streams.pop(); pieces; pieces = streams.pop()) {
      for (const status of statusesIn(await say(edge, `127.0.6.${client + 1}`, pieces))) {
        counts.set(status, (counts.get(status) ?? 0) + 1);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, client) => send(client)));
  console.log(`seed ${seed}:`, Object.fromEntries([...counts].sort(([a], [b]) => a - b)));
  const failed = [...counts.keys()].filter((status) => [500, 502, 504].includes(status));
  expect(failed.length === 0 ? [] : await failures()).toEqual([]);
  await unharmed();
});

it(`${scale.heads} heads of which the body never comes`, { timeout: 600_000 }, async () => {
  const heads = ["/cluster1", "/cluster2", "/files/held"].map(
    (path) => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n`,
  );
  for (let round = 0; round <= scale.renewals; round++) {
    const held: Socket[] = [];
    while (held.length < scale.heads) {
      const sockets = await openMany(edge, `127.7.${held.length / headsAtOnce}`, headsAtOnce);
      const answers = sockets.map((socket) => first(socket, "data", "close"));
      sockets.forEach((socket, index) => {
        socket.write(heads[index % heads.length] as string);
      });
      expect(sockets.length).toBe(headsAtOnce);
      for (const data of await Promise.all(answers)) expect(String(data)).toMatch(/^HTTP\/1\.1 (401|405) /);
      held.push(...sockets);
    }
    await honest();
    closeAll(held);
    await unharmed();
  }
});

it(`${scale.readers} clients that ask for much and read nothing`, { timeout: 600_000 }, async () => {
  const sockets = await openMany(edge, "127.0.8", scale.readers, 100);
  const requests = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
  await Promise.all(
    sockets.map((socket) => {
      socket.pause();
      return new Promise<void>((resolve) => socket.write(requests, () => resolve()));
    }),
  );
  await expect.poll(() => statusOf(edge, "/"), { timeout: 60_000 }).toBe(200);
  await honest();
  closeAll(sockets);
  await unharmed();
});

it(`${scale.idle} idle connections to a control plane that may have 512 files open`, {
  timeout: 600_000,
}, async () => {
  execFileSync("prlimit", ["--nofile=512:512", `--pid=${pid}`]);
  await cloud.replace();
  await expect.poll(() => cloud.pid(), { timeout: 20_000 }).not.toBe(pid);
  pid = (await cloud.pid()) ?? 0;
  expect(readFileSync(`/proc/${pid}/limits`, "utf8")).toMatch(/Max open files\s+512\s+512/);
  await honest();
  before = await figures();
  const ofOne = await openMany(edge, "127.0.9", scale.idle, scale.idle);
  await honest();
  const ofMany = await openMany(edge, "127.0.10", scale.idle, 20);
  const { endpointPort } = JSON.parse(await readFile(join(cloud.home, "state.json"), "utf8"));
  const ofEndpoint = await openMany({ ...edge, port: endpointPort }, "127.0.11", scale.idle);
  expect(openFiles(pid)).toBeLessThan(512);
  closeAll([...ofOne, ...ofMany, ...ofEndpoint]);
  await expect.poll(() => statusOf(edge, "/"), { timeout: 20_000 }).toBe(200);
  await unharmed();
});
