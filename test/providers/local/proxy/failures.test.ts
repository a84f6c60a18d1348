import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { ask, balancer, connect, machine, until } from "./support.ts";

/** A machine that is healthy, and then breaks off every other request before it answers. */
const reset: http.RequestListener = (req) => req.socket.resetAndDestroy();

test.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])(
  "%s without a body that is reset before the answer goes to another machine",
  async (method) => {
    const bad = await machine(1, reset);
    const good = await machine(2);
    const { url } = await balancer({ app: [bad, good] });
    for (let i = 0; i < 4; i++) expect((await ask(url, { method })).status).toBe(200);
    expect(bad.requests.length).toBeGreaterThan(0);
    expect(good.requests).toHaveLength(4);
  },
);

test.each([
  ["POST", undefined],
  ["PATCH", undefined],
  ["POST", "body"],
  ["PUT", "body"],
])("%s (body: %s) that is reset after it was sent is not repeated", async (method, body) => {
  const one = await machine(1, reset);
  const two = await machine(2, reset);
  const { url, lines } = await balancer({ app: [one, two] });
  const { status, text, headers } = await ask(url, { method, headers: { "x-request-id": "abc" } }, body);
  expect([status, headers["x-request-id"]]).toEqual([502, "abc"]);
  expect(JSON.parse(text)).toEqual({ status: 502, message: "A machine in cluster 'app' did not answer" });
  expect(lines.find(({ message }) => message === "Answered 502")?.details).toMatchObject({
    requestId: "abc",
    reason: expect.stringMatching(/^A machine in cluster 'app' did not answer: m\d \(127\.77\.9\.\d:\d+\): /),
  });
  expect(one.requests.length + two.requests.length).toBe(1);
});

test("a refused connection costs no request, whatever its method: nothing was sent yet", async () => {
  const [gone, alsoGone, good] = [
    await machine(1),
    await machine(2),
    await machine(3, (req, res) => req.pipe(res)),
  ];
  const { url, health, lines } = await balancer({ app: [gone, alsoGone, good] });
  await gone.stop();
  await alsoGone.stop();
  for (let i = 0; i < 6; i++) {
    const { status, text } = await ask(url, { method: "POST" }, `body ${i}`);
    expect([status, text]).toEqual([200, `body ${i}`]);
  }
  expect(lines.filter(({ message }) => message === "Target failed a request").length).toBeLessThanOrEqual(2);
  expect(health().find(({ id }) => id === "m3")?.state).toBe("healthy");
});

test("when no machine is left to try, the client gets 502 and never hangs", async () => {
  const machines = [await machine(1, reset), await machine(2, reset), await machine(3, reset)];
  const { url } = await balancer({ app: machines });
  const { status, text } = await ask(url);
  expect([status, text]).toEqual([502, '{"status":502,"message":"No machine in cluster \'app\' answered"}']);
  expect(machines.map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
});

test("each kind of failure is logged once a second, not once a request", async () => {
  const { url, lines } = await balancer({});
  for (let i = 0; i < 20; i++) expect((await ask(url)).status).toBe(503);
  const warnings = lines.filter(({ message }) => message === "Answered 503");
  expect(warnings[0]?.details).toMatchObject({ method: "GET", url: "/", client: "127.0.0.1" });
  expect(warnings.length).toBeLessThan(20);
});

test("an answer that is no HTTP is 502", async () => {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) =>
      socket.end(
        String(data).includes("/healthz") ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : "nonsense\r\n",
      ),
    );
  });
  server.listen(0, "127.77.9.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const port = (server.address() as AddressInfo).port;
  const { url } = await balancer({ app: [{ id: "m1", address: "127.77.9.1", port }] });
  expect((await ask(url)).status).toBe(502);
});

test("a machine that dies in the middle of an answer: the client's connection is cut", async () => {
  const one = await machine(1, (req, res) => {
    if (req.url === "/sized") res.setHeader("content-length", 10);
    res.write("half");
    setImmediate(() => req.socket.destroy());
  });
  const { url, lines } = await balancer({ app: [one] });
  await expect(ask(`${url}/sized`)).rejects.toThrow(/aborted|ECONNRESET|hang up/);
  await expect(ask(`${url}/chunked`)).rejects.toThrow(/aborted|ECONNRESET|hang up/);
  expect(lines.map(({ message }) => message)).toContain("A machine broke off in the middle of an answer");
});

test("a machine that does not begin to answer in time: 504", async () => {
  const one = await machine(1, () => {});
  const { url } = await balancer({ app: [one] }, { idleTimeoutSeconds: 0.5 });
  const { status, text } = await ask(url);
  expect(status).toBe(504);
  expect(JSON.parse(text).message).toBe("A machine in cluster 'app' took too long");
});

test("a machine that takes no more of a body: 504", async () => {
  const one = await machine(1, (req) => req.pause());
  const { url } = await balancer({ app: [one] }, { idleTimeoutSeconds: 0.5 });
  const req = http.request(url, { agent: false, method: "POST" });
  req.on("error", () => {});
  const block = Buffer.alloc(1 << 20);
  const more = () => {
    while (req.write(block));
  };
  req.on("drain", more);
  more();
  const [res] = (await once(req, "response")) as [http.IncomingMessage];
  expect(res.statusCode).toBe(504);
  req.destroy();
});

test("a machine that falls silent in the middle of an answer: the client's connection is cut", async () => {
  const one = await machine(1, (_, res) => res.write("half"));
  const { url } = await balancer({ app: [one] }, { idleTimeoutSeconds: 0.5 });
  await expect(ask(url)).rejects.toThrow(/aborted|ECONNRESET|hang up/);
});

test("a client that falls silent in the middle of its body, or stops reading, is given up", async () => {
  let left = 0;
  const one = await machine(1, (req, res) => {
    res.on("close", () => left++);
    if (req.method === "POST") return void req.resume();
    const block = Buffer.alloc(1 << 16);
    const more = () => {
      while (res.write(block));
    };
    res.on("drain", more);
    more();
  });
  const { port } = await balancer({ app: [one] }, { idleTimeoutSeconds: 0.5 });
  const sender = await connect(port);
  sender.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  const reader = await connect(port);
  reader.pause();
  reader.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => left === 2);
});
