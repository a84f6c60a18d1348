import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { controlPlaneLog } from "../../../providers/local/cloud/home.ts";
import { openFiles } from "../../support/figures.ts";
import { groupSpec, kill, patience, serverScript, TestCloud } from "../../support/local-cloud.ts";
import { freePort } from "../../support/ports.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const startModule = join(import.meta.dirname, "../../../providers/local/cloud/start.ts");

let cloud: TestCloud;
let port: number;
let pid: number;

/** Starts the cloud's control plane with a limit on open files that nothing can raise. */
async function startLimited(files: number): Promise<void> {
  const code = `import { ensureRunning } from ${JSON.stringify(startModule)}; await ensureRunning(process.argv[1]);`;
  const script = `ulimit -n ${files}; exec "$@"`;
  const args = ["-c", script, "bash", process.execPath, "--input-type=module", "-e", code, cloud.home];
  const [status] = await once(spawn("bash", args, { stdio: ["ignore", "inherit", "inherit"] }), "exit");
  expect(status).toBe(0);
}

beforeEach(async () => {
  cloud = TestCloud.create();
  await startLimited(512);
  const group = await groupSpec({ desired: 2 });
  await cloud.deploy(group);
  port = await freePort();
  const edge = { address: "127.0.0.1", port, allow: ["127.0.0.0/8"] };
  const backends = [{ name: "cluster1", groups: [cloud.group], weight: 1 }];
  await cloud.put("loadBalancers", "edge", { ...edge, healthCheck: group.healthCheck, backends });
  await expect.poll(() => statusFor("127.0.0.1"), patience).toBe(200);
  pid = (await cloud.pid()) ?? 0;
});

/** What a client at an address is answered, over a connection of its own. */
function statusFor(localAddress: string): Promise<number | string> {
  return new Promise((resolve) => {
    const req = request({ host: "127.0.0.1", port, localAddress, agent: false });
    req.once("response", (res) => res.resume().once("close", () => resolve(res.statusCode ?? 0)));
    req.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    req.end();
  });
}

/** Opens connections that say nothing; resolves when each stands or was refused. */
async function flood(to: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect({ host: "127.0.0.1", port: to }));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve).on("error", resolve))),
  );
  return sockets;
}

test("idle connections of one client, to the load balancer and to the endpoint, take no file from others", async () => {
  const before = await cloud.pids();
  const files = openFiles(pid);
  const sockets = [...(await flood(port, 520)), ...(await flood(cloud.state.endpointPort, 520))];
  expect(await statusFor("127.0.0.2")).toBe(200);
  expect(openFiles(pid)).toBeLessThan(files + 110);
  expect(await cloud.pid()).toBe(pid);
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => statusFor("127.0.0.1"), patience).toBe(200);
  expect(await cloud.pids()).toEqual(before);
});

test("a control plane that can open no further file lives, blames no machine, and goes on when it can again", async () => {
  const [victim = 0, other] = await cloud.pids();
  const limit = (soft: number) => execFileSync("prlimit", [`--nofile=${soft}:512`, `--pid=${pid}`]);
  limit(openFiles(pid));
  const sockets = [...(await flood(port, 200)), ...(await flood(cloud.state.endpointPort, 50))];
  kill(victim);
  const log = () => readFileSync(controlPlaneLog(cloud.home), "utf8");
  // Each of these is half a second after the one before: longer than it takes to find a machine unhealthy.
  await expect.poll(() => log().split("machine could not be started").length, patience).toBeGreaterThan(6);
  expect(await cloud.controlPlanes()).toEqual([pid]);
  for (const socket of sockets) socket.destroy();
  limit(512);
  await cloud.serving(2, victim);
  expect(await cloud.outcome()).toEqual({ desired: 2, ready: 2, outdated: 0 });
  expect(await cloud.pids()).toContain(other);
  expect(await statusFor("127.0.0.1")).toBe(200);
  expect(await cloud.pid()).toBe(pid);
  expect(log()).not.toContain("unhealthy");
});

test("machines start with a limit of their own on open files, and not with their control plane's", async () => {
  const unlimited = TestCloud.create();
  const appPort = await freePort();
  const startupScript = serverScript(appPort).replace("exec ", "ulimit -Sn > open-files\nexec ");
  await unlimited.deploy(await groupSpec({ desired: 1, port: appPort, startupScript }));
  const [machine] = await unlimited.machines();
  const file = join(unlimited.machinesFolder, machine?.id ?? "", "open-files");
  expect(readFileSync(file, "utf8")).toBe("1024\n");
});
