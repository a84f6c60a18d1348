import { once } from "node:events";
import http from "node:http";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { Connections, limitsFor } from "../../../../providers/local/cloud/proxy/limits.ts";
import { maxOutstanding } from "../../../../providers/local/cloud/proxy/pool.ts";
import { ask, balancer, balancerAddress, connect, machine, until } from "./support.ts";

/** Refuses by the head alone, as the app does. */
const unauthorized: http.RequestListener = (req, res) =>
  req.method === "POST" ? res.writeHead(401).end("no token") : res.end("fine");

/** Sends a head that announces a body which never comes. */
async function hold(port: number, more = ""): Promise<Socket> {
  const socket = await connect(port);
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n${more}\r\n`);
  return socket;
}

async function firstBytes(socket: Socket): Promise<string> {
  const [data] = await once(socket, "data");
  return String(data);
}

test.each(["Content-Length: 10", "Transfer-Encoding: chunked"])(
  "a head goes on before its body (%s), and may be answered at once",
  async (framing) => {
    const { port } = await balancer({ app: [await machine(1, unauthorized)] });
    const socket = await connect(port);
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
    expect(await firstBytes(socket)).toMatch(/^HTTP\/1\.1 401 [\s\S]*no token/);
  },
);

test("held heads keep nobody from a machine that refuses them", async () => {
  const one = await machine(1, unauthorized);
  const connections = new Connections({ ...limitsFor(100_000), byClient: 5_000 });
  const { port, url } = await balancer({ app: [one] }, {}, { connections });
  const answers: Promise<string>[] = [];
  for (let count = 0; count < maxOutstanding + 50; count++) answers.push(firstBytes(await hold(port)));
  for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  expect((await ask(url)).text).toBe("fine");
}, 60_000);

test("100-continue is the machine's to answer: it gets the header, and its 100 is passed on", async () => {
  const one = await machine(1);
  one.server.on("checkContinue", (req, res) => {
    if (req.url === "/refused") return void res.writeHead(413, { connection: "close" }).end("too large");
    res.writeContinue();
    req.pipe(res);
  });
  const running = await balancer({ app: [one] });
  const send = async (path: string) => {
    let continued = false;
    const headers = { Expect: "100-continue", "Content-Length": 2 };
    const req = http.request(running.url + path, { agent: false, method: "POST", headers });
    req.on("continue", () => {
      continued = true;
      req.end("hi");
    });
    req.flushHeaders();
    const [res] = (await once(req, "response")) as [http.IncomingMessage];
    const text = String(await res.setEncoding("utf8").toArray());
    const { connection } = res.headers;
    req.destroy();
    return { continued, status: res.statusCode, text, connection };
  };
  expect(await send("/")).toMatchObject({ continued: true, status: 200, text: "hi" });
  const refusal = { continued: false, status: 413, text: "too large", connection: "close" };
  expect(await send("/refused")).toEqual(refusal);

  running.setTargets("app", []);
  expect(await send("/")).toMatchObject({ continued: false, status: 503, connection: "close" });
});

test("a machine that never asks for the body is to blame: 504", async () => {
  const one = await machine(1);
  one.server.on("checkContinue", () => {});
  const { port } = await balancer({ app: [one] }, { idleTimeoutSeconds: 0.5 });
  const socket = await hold(port, "Expect: 100-continue\r\n");
  expect(await firstBytes(socket)).toMatch(/^HTTP\/1\.1 504 /);
});

test("a full machine: 503 with Retry-After, until a request ends", async () => {
  const held: http.ServerResponse[] = [];
  const one = await machine(1, (req, res) => {
    if (req.url === "/held") held.push(res);
    else res.end("free");
  });
  const connections = new Connections({ ...limitsFor(100_000), byClient: 5_000 });
  const { url } = await balancer({ app: [one] }, {}, { connections });
  const requests = Array.from({ length: maxOutstanding }, () => ask(`${url}/held`));
  await until(() => held.length === maxOutstanding);
  const refused = await ask(url);
  expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "1"]);
  held.pop()?.end();
  await expect.poll(async () => (await ask(url)).text).toBe("free");
  for (const res of held) res.end();
  await Promise.all(requests);
}, 60_000);

test("a client has so many connections and no more; others come in, and so does it when one is gone", async () => {
  const connections = new Connections({ ...limitsFor(100_000), connections: 4, byClient: 3 });
  const { port, lines } = await balancer({ app: [await machine(1)] }, {}, { connections });
  const from = (localAddress: string) => {
    const req = http.request({ host: balancerAddress, port, localAddress, agent: false }).end();
    return once(req, "response").then(
      ([res]) => (res as http.IncomingMessage).statusCode,
      () => "refused",
    );
  };
  const idle = [await connect(port), await connect(port), await connect(port)];
  expect(await from("127.0.0.1")).toBe("refused");
  expect(await from("127.0.0.2")).toBe(200);
  expect(lines.map(({ details }) => details)).toContainEqual({
    client: "127.0.0.1",
    limit: "a client may have 3 connections",
  });
  idle[0]?.destroy();
  await expect.poll(() => from("127.0.0.1")).toBe(200);
});

test("clients have so many connections together", () => {
  const connections = new Connections({ ...limitsFor(1024), connections: 3, byClient: 2 });
  const enter = (...clients: string[]) => clients.map((client) => connections.enter(client));
  expect(enter("192.0.2.1", "192.0.2.1")).toEqual([undefined, undefined]);
  expect(connections.enter("192.0.2.1")).toBe("a client may have 2 connections");
  expect(enter("2001:db8::1", "192.0.2.3")).toEqual([undefined, "clients may have 3 connections together"]);
  connections.leave("192.0.2.1");
  expect(enter("2001:db8::2")).toEqual([undefined]);
  connections.leave("192.0.2.1");
  expect(enter("2001:db8::3")).toEqual(["a client may have 2 connections"]);
});

test.each([
  [512, { connections: 96, byClient: 48, idle: 96, endpoint: 48 }],
  [1024, { connections: 224, byClient: 112, idle: 224, endpoint: 112 }],
  [1_048_576, { connections: 10_000, byClient: 1_000, idle: 10_000, endpoint: 1_000 }],
  [Number.POSITIVE_INFINITY, { connections: 10_000, byClient: 1_000, idle: 10_000, endpoint: 1_000 }],
])("%s open files: %o", (files, limits) => {
  expect(limitsFor(files)).toEqual(limits);
});
