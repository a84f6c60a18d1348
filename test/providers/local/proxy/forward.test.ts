import { once } from "node:events";
import http from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { ask, balancer, connect, machine, raw, until } from "./support.ts";

const echoHeaders: http.RequestListener = (req, res) => res.end(JSON.stringify(req.rawHeaders), "latin1");

function headersOf(text: string): Record<string, string> {
  const list: string[] = JSON.parse(text);
  return Object.fromEntries(
    list.flatMap((name, i) => (i % 2 ? [] : [[name.toLowerCase(), list[i + 1] ?? ""]])),
  );
}

test("request headers: forwarded ones are set, Host is kept, hop-by-hop ones are left out", async () => {
  const { url, port } = await balancer({ app: [await machine(1, echoHeaders)] });
  const { text } = await ask(url, {
    headers: {
      Host: "example.test",
      Connection: "close, X-Mine",
      "X-Mine": "1",
      "Keep-Alive": "timeout=1",
      TE: "trailers",
      "X-Forwarded-For": "192.0.2.1",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "evil.test",
      "X-Request-Id": "abc",
      "X-Other": "ä",
    },
  });
  const headers = headersOf(text);
  expect(headers).toMatchObject({
    host: "example.test",
    connection: "keep-alive",
    "x-forwarded-for": "192.0.2.1, 127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-port": String(port),
    "x-request-id": "abc",
    "x-other": "ä",
  });
  for (const gone of ["x-mine", "keep-alive", "te", "x-forwarded-host"])
    expect(headers).not.toHaveProperty(gone);
});

test("a request without an id gets one", async () => {
  const { url } = await balancer({ app: [await machine(1, echoHeaders)] });
  expect(headersOf((await ask(url)).text)["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
});

test("response headers: repeated ones stay apart, hop-by-hop ones are left out, trailers pass", async () => {
  const one = await machine(1, (_, res) => {
    res.writeHead(201, [
      "Set-Cookie",
      "a=1",
      "Set-Cookie",
      "b=2",
      "Connection",
      "X-Hop",
      "X-Hop",
      "1",
      "X-Kept",
      "é",
    ]);
    res.write(Buffer.from("chunk"));
    res.addTrailers({ "x-sum": "42" });
    res.end();
  });
  const { url } = await balancer({ app: [one] });
  const { status, headers, trailers, text } = await ask(url);
  expect(status).toBe(201);
  expect(text).toBe("chunk");
  expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  expect(headers["x-kept"]).toBe("é");
  expect(headers).not.toHaveProperty("x-hop");
  expect(headers["transfer-encoding"]).toBe("chunked");
  expect(trailers).toEqual({ "x-sum": "42" });
});

test("HEAD, 204 and 304 have no body, and the connection goes on", async () => {
  const one = await machine(1, (req, res) => {
    if (req.url === "/204") res.writeHead(204).end();
    else if (req.url === "/304") res.writeHead(304, { ETag: '"x"' }).end();
    else res.writeHead(200, { "Content-Length": 5 }).end("hello");
  });
  const { url } = await balancer({ app: [one] });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const head = await ask(url, { agent, method: "HEAD" });
  expect([head.status, head.headers["content-length"], head.text]).toEqual([200, "5", ""]);
  expect((await ask(`${url}/204`, { agent })).status).toBe(204);
  expect((await ask(`${url}/304`, { agent })).headers.etag).toBe('"x"');
  expect((await ask(url, { agent })).text).toBe("hello");
  agent.destroy();
});

test("connections are kept alive on both sides", async () => {
  const one = await machine(1);
  const ports = new Set<unknown>();
  one.server.on("request", (req) => req.url === "/" && ports.add(req.socket.remotePort));
  const { url } = await balancer({ app: [one] });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<Socket | undefined>();
  agent.on("free", (socket) => sockets.add(socket));
  for (let i = 0; i < 5; i++) await ask(url, { agent });
  expect(ports.size).toBe(1);
  expect(sockets.size).toBe(1);
  agent.destroy();
});

test("binary bodies of any framing arrive unchanged", async () => {
  const one = await machine(1, async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    res.setHeader("x-framing", req.headers["transfer-encoding"] ?? `${req.headers["content-length"]}`);
    if (req.url === "/sized") res.setHeader("content-length", body.length);
    res.write(body);
    res.end();
  });
  const { url } = await balancer({ app: [one] });
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 256));
  for (const path of ["/sized", "/chunked"]) {
    for (const headers of [{ "content-length": bytes.length }, { "transfer-encoding": "chunked" }]) {
      const req = http.request(url + path, { agent: false, method: "POST", headers });
      req.end(bytes);
      const [res] = (await once(req, "response")) as [http.IncomingMessage];
      const received: Buffer[] = [];
      for await (const chunk of res) received.push(chunk);
      expect(Buffer.concat(received).equals(bytes)).toBe(true);
      expect(res.headers["x-framing"]).toBe(Object.values(headers).map(String)[0]);
    }
  }
});

test("early hints pass", async () => {
  const one = await machine(1, (_, res) => {
    res.writeEarlyHints({ link: "</style.css>; rel=preload" });
    res.end("page");
  });
  const { url } = await balancer({ app: [one] });
  const req = http.get(url, { agent: false });
  const [[information], [res]] = await Promise.all([once(req, "information"), once(req, "response")]);
  expect(information.statusCode).toBe(103);
  expect(information.headers.link).toBe("</style.css>; rel=preload");
  expect(String(await res.setEncoding("utf8").toArray())).toBe("page");
});

test.each([
  ["absolute form", "GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n", "400"],
  ["CONNECT", "CONNECT other.test:443 HTTP/1.1\r\nHost: other.test\r\n\r\n", "405"],
  ["TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "405"],
  ["asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "400"],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", "400"],
  ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", "400"],
  [
    "both framings",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "400",
  ],
  ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "400"],
  [
    "an unknown coding",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "501",
  ],
  ["another expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", "417"],
  ["a head of 20 kB", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, "431"],
  ["a head of 2 MB", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(2_000_000)}\r\n\r\n`, "431"],
  ["no HTTP at all", "\x16\x03\x01\0\0 not HTTP\r\n\r\n", "400"],
  ["a bare line feed", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "400"],
  [
    "WebSocket",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
    "501",
  ],
])("%s reaches no machine", async (_, bytes, status) => {
  const one = await machine(1);
  const { port } = await balancer({ app: [one] });
  const answer = await raw(port, bytes);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain("Content-Type: application/json; charset=utf-8\r\n");
  expect(answer).toContain("X-Content-Type-Options: nosniff\r\n");
  expect(answer.includes("Allow: GET, HEAD, ")).toBe(status === "405");
  const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
  expect(body).toEqual({ status: Number(status), message: expect.stringMatching(/\w/) });
  expect(one.requests).toHaveLength(0);
});

test("any other upgrade is ignored, as HTTP allows", async () => {
  const { port } = await balancer({ app: [await machine(1, echoHeaders)] });
  const request =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n";
  const answer = await raw(port, `${request}HTTP2-Settings: x\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1.1 200 /);
  expect(answer).not.toMatch(/h2c|HTTP2-Settings/i);
});

test("HTTP/1.0 clients and pipelined requests are answered in order", async () => {
  const one = await machine(1, (req, res) => {
    if (req.url === "/slow") setImmediate(() => setImmediate(() => res.end("slow")));
    else res.end("fast");
  });
  const { port } = await balancer({ app: [one] });
  expect(await raw(port, "GET / HTTP/1.0\r\n\r\n")).toMatch(
    /^HTTP\/1.1 200 [\s\S]*Connection: close[\s\S]*fast$/,
  );
  const both =
    "GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /fast HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  expect(await raw(port, both)).toMatch(/slow[\s\S]*fast$/);
});

test("a client that pipelines has one request under way, and is cut off if it goes too far", async () => {
  let most = 0;
  let now = 0;
  const one = await machine(1, (_, res) => {
    most = Math.max(most, ++now);
    setImmediate(() => {
      now--;
      res.end("ok");
    });
  });
  const { port, lines } = await balancer({ app: [one] });
  const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  expect((await raw(port, get.repeat(49) + last)).match(/ok/g)).toHaveLength(50);
  expect(most).toBe(1);
  (await connect(port)).write(get.repeat(10_000));
  await until(() => lines.some(({ message }) => message === "Connection cut: too many requests"));
  expect(one.requests.length).toBeLessThan(300);
});

test("many small answers and a large one at the same time do not mix", async () => {
  const one = await machine(1, (req, res) =>
    res.end(String(req.url).repeat(req.url === "/big" ? 100_000 : 1)),
  );
  const { url } = await balancer({ app: [one] });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
  const paths = Array.from({ length: 300 }, (_, i) => (i % 50 === 0 ? "/big" : `/${i}`));
  const answers = await Promise.all(paths.map((path) => ask(url + path, { agent })));
  answers.forEach(({ text }, i) => {
    expect(text).toBe(String(paths[i]).repeat(paths[i] === "/big" ? 100_000 : 1));
  });
  agent.destroy();
});

test("a client that sends no more gets its answer", async () => {
  const one = await machine(1, (req, res) => {
    req.resume();
    if (req.url === "/other") res.end();
  });
  const responses: http.ServerResponse[] = [];
  one.server.on("request", (req, res) => req.url === "/" && responses.push(res));
  const { port, url } = await balancer({ app: [one] });
  const heads = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
  ];
  for (const [index, head] of heads.entries()) {
    const socket = await connect(port, true);
    socket.end(head);
    await until(() => responses.length > index);
    // The load balancer answers this only after it has heard that the socket sends no more.
    await ask(`${url}/other`);
    responses[index]?.end("late");
    expect(String(await socket.setEncoding("latin1").toArray())).toMatch(/^HTTP\/1\.1 200 [\s\S]*late/);
  }
});

test("what comes behind a refused request reaches no machine", async () => {
  const one = await machine(1);
  const { port } = await balancer({ app: [one] });
  const next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
  const refused = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
  for (const bytes of [`TRACE / HTTP/1.1\r\nHost: a\r\n\r\n${next}`, refused + next]) {
    expect((await raw(port, bytes)).match(/HTTP\/1\.1 \d+/g)).toHaveLength(1);
  }
  expect(one.requests).toHaveLength(0);
});

test("what is no body any more is answered 400, and the machine hears no more of it", async () => {
  let left = false;
  const one = await machine(1, (req, res) => {
    res.on("close", () => {
      left = true;
    });
    req.resume();
  });
  const { port } = await balancer({ app: [one] });
  const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  expect(await raw(port, `${head}zz\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
  await until(() => left || one.requests.length === 0);
});

test("a client that closes is noticed with the next byte for it", async () => {
  let left = false;
  const one = await machine(1, (_, res) => {
    const timer = setInterval(() => res.write("more"), 10);
    res.on("close", () => {
      clearInterval(timer);
      left = true;
    });
  });
  const { port } = await balancer({ app: [one] });
  const socket = await connect(port);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  await until(() => left);
});

test("a client that leaves ends its request on the machine", async () => {
  let left = false;
  const one = await machine(1, (_, res) => {
    res.on("close", () => {
      left = true;
    });
    res.write("begin");
  });
  const { port } = await balancer({ app: [one] });
  const socket = await connect(port);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(socket, "data");
  socket.resetAndDestroy();
  await until(() => left);
});

test("an answer that comes before the whole body is passed on, and the connection goes on", async () => {
  const one = await machine(1, (req, res) => {
    if (req.method === "POST") req.once("data", () => res.writeHead(413).end("too large"));
    else res.end("next");
  });
  const { url } = await balancer({ app: [one] }, { idleTimeoutSeconds: 2 });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<Socket>();
  agent.on("free", (socket) => sockets.add(socket));
  const refused = await ask(url, { agent, method: "POST" }, "x".repeat(5_000_000));
  expect([refused.status, refused.text]).toEqual([413, "too large"]);
  for (const end = Date.now() + 2_500; Date.now() < end; ) {
    expect((await ask(url, { agent })).text).toBe("next");
    await sleep(100);
  }
  expect(sockets.size).toBe(1);
  agent.destroy();
});

test("a client that has its answer, and goes on sending its body, is cut off after the idle time-out", async () => {
  const one = await machine(1, (req, res) => req.once("data", () => res.writeHead(413).end("too large")));
  const { port } = await balancer({ app: [one] }, { idleTimeoutSeconds: 0.5 });
  const client = await connect(port);
  client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  let answer = "";
  client.setEncoding("latin1").on("data", (chunk) => {
    answer += chunk;
  });
  const drip = setInterval(() => client.write("x"), 50);
  await once(client, "close");
  clearInterval(drip);
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
});
