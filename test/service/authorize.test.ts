import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { expect, test, vi } from "vitest";
import { bearer, sendRaw, startFileApi, token } from "./file-api.ts";
import { readToEnd } from "./process.ts";

const writes = [
  { method: "POST", url: "/upload" },
  { method: "PUT", url: "/files/a" },
  { method: "DELETE", url: "/files/a" },
] as const;

test.each(writes)("$method $url needs the token", async (request) => {
  const { app, store } = await startFileApi();
  const answer = await app.inject(request);
  expect(answer.json()).toEqual({
    status: 401,
    message: `${request.method} ${request.url} needs the header Authorization: Bearer <admin token>`,
  });
  expect(answer.headers["www-authenticate"]).toBe('Bearer realm="day02"');
  const headers = { authorization: `Bearer ${token}x` };
  const wrong = await app.inject({ ...request, headers });
  expect(wrong.statusCode).toBe(401);
  expect(wrong.headers["www-authenticate"]).toBe('Bearer realm="day02", error="invalid_token"');
  expect((await app.inject({ ...request, headers: bearer })).statusCode).not.toBe(401);
  expect(store.running.size).toBe(0);
});

test.each([
  ["", 401],
  [token, 401],
  [`Basic ${token}`, 401],
  ["Bearer", 401],
  [`Bearer ${token} ${token}`, 401],
  [`Bearer  ${token} `, 200],
  [`bearer ${token}`, 200],
])("of the header Authorization: %j becomes %i", async (authorization, status) => {
  const { app } = await startFileApi();
  const answer = await app.inject({
    method: "PUT",
    url: "/files/a",
    headers: { authorization },
    payload: "x",
  });
  expect(answer.statusCode).toBe(status);
});

test("reading needs no token, and PUBLIC opens writing, from anywhere and in clear", async () => {
  const { app } = await startFileApi({ PUBLIC: "true" });
  const remoteAddress = "198.51.100.7";
  expect((await app.inject({ method: "PUT", url: "/files/a", remoteAddress, payload: "x" })).statusCode).toBe(
    200,
  );
  expect((await app.inject({ url: "/list_files", remoteAddress })).statusCode).toBe(200);
});

test.each([
  ["this host", "127.0.0.1", {}, 200],
  ["this host, IPv6", "::1", {}, 200],
  ["this host, mapped", "::ffff:127.0.0.1", {}, 200],
  [
    "a load balancer here, for this host",
    "127.77.0.1",
    { "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http" },
    200,
  ],
  [
    "a load balancer here, for another",
    "127.77.0.1",
    { "x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "http" },
    403,
  ],
  [
    "a load balancer, in clear",
    "100.64.1.9",
    { "x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "http" },
    403,
  ],
  ["a load balancer that says nothing", "100.64.1.9", { "x-forwarded-for": "198.51.100.7" }, 403],
  [
    "a load balancer, by HTTPS",
    "100.64.1.9",
    { "x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https" },
    200,
  ],
  [
    "a load balancer, with the client's own word before its",
    "100.64.1.9",
    { "x-forwarded-proto": "https, http" },
    403,
  ],
  ["a client that says it is this host", "100.64.1.9", { "x-forwarded-for": "127.0.0.1, 198.51.100.7" }, 403],
  ["a neighbour that says it is this host", "100.64.1.9", { "x-forwarded-for": "127.0.0.1" }, 403],
  ["a client that says it used HTTPS", "198.51.100.7", { "x-forwarded-proto": "https" }, 403],
  ["nonsense", "127.0.0.1", { "x-forwarded-for": "nonsense" }, 403],
])("the token from %s (%s, %j) is answered with %i", async (_name, remoteAddress, headers, status) => {
  const { app } = await startFileApi();
  const answer = await app.inject({
    method: "PUT",
    url: "/files/a",
    remoteAddress,
    headers: { ...bearer, ...headers },
    payload: "x",
  });
  expect(answer.statusCode).toBe(status);
  if (status === 403) expect(answer.json().message).toContain("A token in clear is no token");
});

test("in clear, 403 comes before 401: nobody is asked to send the token", async () => {
  const { app } = await startFileApi();
  const answer = await app.inject({ method: "PUT", url: "/files/a", remoteAddress: "198.51.100.7" });
  expect(answer.statusCode).toBe(403);
  expect(answer.headers["www-authenticate"]).toBeUndefined();
});

test("tokens are compared by their hashes, in constant time", async () => {
  const compare = vi.spyOn(crypto, "timingSafeEqual");
  syncBuiltinESMExports();
  const { app } = await startFileApi();
  for (const authorization of ["Bearer a", `Bearer ${"a".repeat(5000)}`, `Bearer ${token}`]) {
    await app.inject({ method: "PUT", url: "/files/a", headers: { authorization } });
  }
  expect(compare.mock.calls.map((pair) => pair.map((side) => side.byteLength))).toEqual([
    [32, 32],
    [32, 32],
    [32, 32],
  ]);
});

test("no token is in an answer or in the log", async () => {
  const { app, log } = await startFileApi();
  const answers = await Promise.all(
    ["Bearer hunter2", `Bearer ${token}`].map((authorization) =>
      app.inject({ method: "PUT", url: "/files/a", headers: { authorization }, payload: "x" }),
    ),
  );
  const all = JSON.stringify([log(), answers.map(({ headers, payload }) => [headers, payload])]);
  expect(all).not.toMatch(/hunter2|battery/);
});

test("who is refused is answered before the body is asked for", async () => {
  const { listen } = await startFileApi();
  const head = "PUT /files/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n";
  const answer = await readToEnd(sendRaw(await listen(), head));
  expect(answer).toMatch(/^HTTP\/1.1 401 /);
  expect(answer).toMatch(/connection: close/i);
});
