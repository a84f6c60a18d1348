import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { portHolder } from "../../../providers/local/cloud/port-holder.ts";
import { freePort } from "../../support/ports.ts";

const address = "127.95.244.1";

/** Listens in this process, until the test ends. */
async function listen(port: number, host: string): Promise<void> {
  const server = createServer().listen(port, host);
  await once(server, "listening");
  onTestFinished(() => void server.close());
}

/** Listens in a process of its own; returns its id. */
async function listenElsewhere(port: number, host: string, ...args: string[]): Promise<number> {
  const script = `require("net").createServer().listen(${port}, "${host}", () => console.log("listening"))`;
  const child = spawn(process.execPath, ["-e", script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(createInterface(child.stdout), "line");
  return child.pid as number;
}

test("a free port has no holder", async () => {
  expect(await portHolder(address, await freePort())).toBeUndefined();
});

test("names the process that listens, and its command", async () => {
  const port = await freePort();
  const pid = await listenElsewhere(port, address);
  const holder = await portHolder(address, port);
  expect(holder?.pid).toBe(pid);
  expect(holder?.command).toMatch(/^node -e require\("net"\)\.createServer\(\)/);
});

test("shortens a long command", async () => {
  const port = await freePort();
  await listenElsewhere(port, address, "x".repeat(200));
  expect((await portHolder(address, port))?.command).toMatch(/^.{116}x\.{3}$/);
});

test("names this very process", async () => {
  const port = await freePort();
  await listen(port, address);
  expect((await portHolder(address, port))?.pid).toBe(process.pid);
});

test.each([
  ["0.0.0.0", address],
  ["::", address],
  ["::ffff:127.95.244.1", address],
])("names who listens on %s as the holder of %s", async (wide, narrow) => {
  const port = await freePort();
  const pid = await listenElsewhere(port, wide);
  expect((await portHolder(narrow, port))?.pid).toBe(pid);
});

test("tells apart who has the same port on different addresses", async () => {
  const port = await freePort();
  const hosts = ["127.95.244.2", "127.95.244.3", "127.95.244.4"];
  const pids = await Promise.all(hosts.map((host) => listenElsewhere(port, host)));
  const holders = await Promise.all(hosts.map((host) => portHolder(host, port)));
  expect(holders.map((holder) => holder?.pid)).toEqual(pids);
  expect(await portHolder("127.95.244.5", port)).toBeUndefined();
});
