import { expect, test } from "vitest";
import { buildApp } from "../../service/app.ts";
import { readSettings } from "../../service/settings/settings.ts";
import { environment } from "./environment.ts";

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

async function start(variables: Record<string, string> = {}, draining = new AbortController().signal) {
  const lines: string[] = [];
  const logStream = { write: (line: string) => void lines.push(line) };
  const settings = readSettings({ ...environment, ...variables });
  const app = await buildApp(settings, { draining, logStream });
  app.get("/broken", () => {
    throw new Error("what nobody outside may read");
  });
  app.get("/items/:id", (request) => ({ status: 200, message: request.ip }));
  app.post("/items", () => ({ status: 200, message: "stored" }));
  return { app, log: () => lines.map((line): LogLine => JSON.parse(line)) };
}

const identity = {
  "x-content-type-options": "nosniff",
  "x-instance-id": "i-0123456789",
  "x-release": "b".repeat(64),
  "x-revision": "development",
  "x-cluster": "cluster1",
};

test("R2.2, R2.6: / greets with the project's name", async () => {
  const { app } = await start();
  const answer = await app.inject("/");
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({ "content-type": "application/json; charset=utf-8", ...identity });
  expect(answer.payload).toBe(
    '{"status":200,"message":"Successfully connected to day02 upload/download API"}',
  );
});

test.each([
  ["R3.3: / as the health check", "/", { ROOT: "health" }, "Healthy!"],
  ["/healthz", "/healthz", {}, "Healthy!"],
  ["R3.3: the cluster's path", "/cluster1", {}, "Instance i-0123456789 is responding now!"],
  ["the cluster's path with a slash", "/cluster1/", {}, "Instance i-0123456789 is responding now!"],
])("%s answers a line of text", async (_name, url, variables, text) => {
  const { app } = await start(variables);
  const answer = await app.inject(url);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({ "content-type": "text/plain; charset=utf-8", ...identity });
  expect(answer.payload).toBe(text);
});

test.each([
  ["GET", "/nope?token=1", 404, "GET /nope was not found"],
  ["GET", "/cluster1/below", 404, "GET /cluster1/below was not found"],
  ["GET", "/cluster10", 404, "GET /cluster10 was not found"],
  ["DELETE", "/nope", 404, "DELETE /nope was not found"],
  ["POST", "/", 405, "/ does not take POST"],
  ["GET", "/%zz", 400, "'/%zz' is not a valid url component"],
] as const)("%s %s is answered with %i", async (method, url, status, message) => {
  const { app } = await start();
  const answer = await app.inject({ method, url });
  expect(answer.statusCode).toBe(status);
  expect(answer.json()).toEqual({ status, message });
  expect(answer.headers).toMatchObject({ "content-type": "application/json; charset=utf-8", ...identity });
  expect(answer.headers["x-request-id"]).toEqual(expect.any(String));
});

test("405 says what is allowed, whatever the body", async () => {
  const { app } = await start();
  const answer = await app.inject({
    method: "PUT",
    url: "/healthz",
    payload: "x",
    headers: { "content-type": "a/b" },
  });
  expect(answer.statusCode).toBe(405);
  expect(String(answer.headers.allow).split(", ").sort()).toEqual(["GET", "HEAD"]);
});

test("a cluster without a path of its own has no route for it", async () => {
  const { app } = await start({ CLUSTER_PATH: "" });
  expect((await app.inject("/cluster1")).statusCode).toBe(404);
});

test("a body that is not JSON is the caller's error", async () => {
  const { app } = await start();
  const headers = { "content-type": "application/json" };
  const answer = await app.inject({ method: "POST", url: "/items", payload: "{", headers });
  expect(answer.json()).toEqual({ status: 400, message: expect.stringContaining("JSON") });
});

test("an error within is logged with its stack, and answered without a word of it", async () => {
  const { app, log } = await start();
  const answer = await app.inject({ url: "/broken?q=1", headers: { "x-request-id": "req-1" } });
  expect(answer.json()).toEqual({ status: 500, message: "GET /broken failed; see request req-1 in the log" });
  expect(answer.headers).toMatchObject(identity);
  expect(log()).toContainEqual(
    expect.objectContaining({
      level: 50,
      requestId: "req-1",
      err: expect.objectContaining({ message: "what nobody outside may read", stack: expect.any(String) }),
    }),
  );
});

test("each request is one log line, which holds no header", async () => {
  const { app, log } = await start();
  await app.inject({
    url: "/?a=b&c=d=e",
    headers: { authorization: "Bearer hunter2", "x-request-id": "req-1" },
  });
  expect(log()).toEqual([
    {
      level: 30,
      time: expect.any(Number),
      instance: "i-0123456789",
      cluster: "cluster1",
      release: "b".repeat(12),
      requestId: "req-1",
      method: "GET",
      url: "/?a&c",
      status: 200,
      ms: expect.any(Number),
      ip: "127.0.0.1",
      msg: "request",
    },
  ]);
});

test("a long URL is cut in the log", async () => {
  const { app, log } = await start();
  await app.inject(`/${"x".repeat(10_000)}`);
  expect(String(log()[0]?.url)).toHaveLength(501);
});

test("health checks are logged at level debug alone", async () => {
  const { app, log } = await start();
  await app.inject("/healthz");
  expect(log()).toEqual([]);
  const debug = await start({ LOG_LEVEL: "debug", ROOT: "health" });
  await debug.app.inject("/");
  expect(debug.log()).toContainEqual(expect.objectContaining({ level: 20, url: "/", status: 200 }));
});

test.each([
  ["req-1_a.b:c/d+e=f@g", true],
  ["a b", false],
  ['"}', false],
  ["x".repeat(129), false],
  ["", false],
])("of a caller's request id, %j, is kept: %s", async (given, kept) => {
  const { app } = await start();
  const answer = await app.inject({ url: "/", headers: { "x-request-id": given } });
  if (kept) expect(answer.headers["x-request-id"]).toBe(given);
  else expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
});

test.each([
  ["127.0.0.1", "198.51.100.7", 1, "198.51.100.7"],
  ["100.64.1.9", "203.0.113.1, 198.51.100.7", 1, "198.51.100.7"],
  ["100.64.1.9", "203.0.113.1, 100.64.7.7", 1, "100.64.7.7"],
  ["127.0.0.1", "203.0.113.1, 127.0.0.1", 1, "127.0.0.1"],
  ["::ffff:127.0.0.1", "203.0.113.1", 1, "203.0.113.1"],
  ["198.51.100.7", "203.0.113.1", 1, "198.51.100.7"],
  ["10.0.0.1", "203.0.113.1", 1, "10.0.0.1"],
  ["100.64.1.9", "203.0.113.1, 198.51.100.7, 192.0.2.80", 2, "198.51.100.7"],
  ["100.64.1.9", "100.64.7.7, 100.64.6.6, 192.0.2.80", 2, "100.64.6.6"],
  ["198.51.100.7", "203.0.113.1, 192.0.2.80", 2, "198.51.100.7"],
])(
  "a request from %s for %s, of which %i hops are the load balancer's, has the client %s",
  async (remoteAddress, forwarded, hops, ip) => {
    const { app } = await start({ PROXY_HOPS: String(hops) });
    const answer = await app.inject({
      url: "/items/1",
      remoteAddress,
      headers: { "x-forwarded-for": forwarded },
    });
    expect(answer.json().message).toBe(ip);
  },
);

test("while draining, health fails, other requests are answered, and connections are closed", async () => {
  const draining = new AbortController();
  const { app } = await start({}, draining.signal);
  const root = await start({ ROOT: "health" }, draining.signal);
  draining.abort();
  for (const health of [await app.inject("/healthz"), await root.app.inject("/")]) {
    expect(health.statusCode).toBe(503);
    expect(health.payload).toBe("Draining");
    expect(health.headers).toMatchObject({ connection: "close", ...identity });
  }
  const answer = await app.inject("/");
  expect(answer.statusCode).toBe(200);
  expect(answer.headers.connection).toBe("close");
});

test("/openapi.json describes every route and its answers", async () => {
  const { app } = await start();
  const answer = await app.inject("/openapi.json");
  expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
  const document = answer.json();
  expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "day02 API", version: "1.0.0" } });
  const paths = ["/", "/healthz", "/openapi.json"];
  expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(paths));
  for (const path of paths) {
    expect(Object.keys(document.paths[path])).toEqual(["get"]);
    expect(document.paths[path].get.responses).toMatchObject({
      200: { content: expect.anything() },
      default: { content: { "application/json": expect.anything() } },
    });
  }
  expect(document.paths["/healthz"].get.responses[503].content["text/plain"]).toBeDefined();
});
