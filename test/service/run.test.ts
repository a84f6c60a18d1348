import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../support/ports.ts";
import { openConnection, type Running, readToEnd, spawnApp, startApp } from "./process.ts";

vi.setConfig({ testTimeout: 60_000 });

const server = join(import.meta.dirname, "../../service/server.ts");
const slowServer = join(import.meta.dirname, "slow-server.ts");

const running: Running[] = [];
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
});

async function start(variables?: Record<string, string>, module = slowServer): Promise<Running> {
  const app = await startApp(module, variables);
  running.push(app);
  return app;
}

test("SIGTERM: health fails, requests are taken until the load balancer knows, and one that runs is finished", async () => {
  const app = await start({ DEREGISTER_SECONDS: "2" });
  const base = `http://127.0.0.1:${app.port}`;
  const idle = await openConnection(app.port, "/");
  await once(idle, "data");
  const slow = await openConnection(app.port, "/slow");
  await once(app.child, "message");

  app.child.kill("SIGTERM");
  await app.logged(/"stopping"/);
  const health = await fetch(`${base}/healthz`);
  expect([health.status, await health.text(), health.headers.get("connection")]).toEqual([
    503,
    "Draining",
    "close",
  ]);
  const late = await fetch(base);
  expect([late.status, late.headers.get("connection")]).toEqual([200, "close"]);

  await readToEnd(idle);
  await expect(fetch(base)).rejects.toThrow();
  expect(app.child.exitCode).toBeNull();

  app.child.send("finish");
  const answer = await readToEnd(slow);
  expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  expect(answer).toMatch(/connection: close\r\n/i);
  expect(answer).toContain('{"status":200,"message":"finished"}');
  expect(await app.exited).toBe(0);
});

test("goes on when its log cannot be written, and ends when it is told to", async () => {
  const full = openSync("/dev/full", "w");
  const port = await freePort();
  const { child, exited } = spawnApp(server, { PORT: `${port}`, DEREGISTER_SECONDS: "0" }, undefined, full);
  closeSync(full);
  onTestFinished(() => void child.kill("SIGKILL"));
  await expect
    .poll(
      () =>
        fetch(`http://127.0.0.1:${port}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(true);
  for (let count = 0; count < 200; count += 1)
    expect((await fetch(`http://127.0.0.1:${port}/cluster1`)).status).toBe(200);
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
});

test("an answer that began before SIGTERM is sent to its end, and its connection then closed", async () => {
  const app = await start();
  const stream = await openConnection(app.port, "/stream");
  await once(stream, "readable");
  app.child.kill("SIGINT");
  await app.logged(/"stopping"/);
  app.child.send("finish");
  expect(await readToEnd(stream)).toContain("ended");
  expect(await app.exited).toBe(0);
});

test("requests that outlast DRAIN_SECONDS are cut off, and the exit code says so", async () => {
  const app = await start({ DRAIN_SECONDS: "1" });
  const slow = await openConnection(app.port, "/slow");
  await once(app.child, "message");
  app.child.kill("SIGTERM");
  await app.logged(/DRAIN_SECONDS=1 and were cut off/);
  expect(await app.exited).toBe(1);
  slow.destroy();
});

test("a second signal ends the process at once", async () => {
  const app = await start({ DEREGISTER_SECONDS: "600" });
  app.child.kill("SIGTERM");
  await app.logged(/"stopping"/);
  app.child.kill("SIGINT");
  await app.logged(/exiting at once/);
  expect(await app.exited).toBe(1);
});

test.each([
  ["/throw", /"level":60.*thrown where nobody catches.*"crashed"/],
  ["/throw-text", /"level":60.*text where nobody catches.*"crashed"/],
  ["/reject", /"level":60.*rejected where nobody catches.*"crashed"/],
])("an error that nobody handles (%s) is logged and ends the process", async (path, line) => {
  const app = await start();
  const socket = await openConnection(app.port, path);
  socket.on("error", () => socket.destroy());
  await app.logged(line);
  expect(await app.exited).toBe(1);
});

test("a port that is taken ends the process with a line that names it", async () => {
  const { port } = await start({}, server);
  const { child, exited } = spawnApp(server, { PORT: String(port) });
  const output: string[] = [];
  child.stdout?.on("data", (data) => output.push(String(data)));
  expect(await exited).toBe(1);
  expect(output.join("")).toContain(`address already in use 127.0.0.1:${port}`);
});

test("a wrong environment ends the process with a line for each wrong variable, and no stack", async () => {
  const { exited, errors } = spawnApp(server, { PORT: "http", ROOT: "hello", PROJECT: "" });
  expect(await exited).toBe(1);
  expect(errors().trim().split("\n")).toEqual([
    expect.stringContaining("PROJECT is not set"),
    expect.stringContaining('ROOT is "hello"; it must be one of greeting, health'),
    expect.stringContaining('PORT is "http"; it must be a whole number from 0 to 65535'),
  ]);
});

test("a store that is not set up right ends the process, and shows no secret", async () => {
  const { exited, errors } = spawnApp(server, { STORE: "local", BUCKET: "b", IDENTITY_URL: "hunter2" });
  expect(await exited).toBe(1);
  expect(errors()).toContain("IDENTITY_URL is wrong (its value is not shown)");
  expect(errors()).not.toContain("hunter2");
});

test("without STORE the app says that it has no file API", async () => {
  const app = await start({}, server);
  await app.logged(/"level":40.*STORE is not set: there is no file API/);
});

test("what is no HTTP is answered in the same form, and the connection closed", async () => {
  const app = await start({}, server);
  const socket = await openConnection(app.port, "/healthz");
  await once(socket, "readable");
  socket.write("garbage\r\n\r\n");
  const [, answer = ""] = (await readToEnd(socket)).split("Healthy!");
  expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
  expect(answer).toContain("x-instance-id: i-0123456789\r\n");
  expect(answer).toContain('{"status":400,"message":"Bad Request"}');
});

test("a caller that hangs up is logged", async () => {
  const app = await start();
  const slow = await openConnection(app.port, "/slow");
  await once(app.child, "message");
  slow.destroy();
  await app.logged(/"url":"\/slow".*"aborted":true/);
});

test("callers that hang up before they are looked at harm nobody", async () => {
  const app = await start();
  for (let count = 0; count < 200; count++) {
    const socket = connect(app.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write("GET /cluster1 HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n");
    socket.destroy();
    await once(socket, "close");
  }
  const answer = await fetch(`http://127.0.0.1:${app.port}/healthz`);
  expect(await answer.text()).toBe("Healthy!");
});
