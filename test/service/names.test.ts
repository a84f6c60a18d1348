import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { isGood, nastyNames } from "../support/nasty-names.ts";
import { bearer, formOf, startFileApi, token } from "./file-api.ts";
import { readToEnd } from "./process.ts";

async function put(port: number, path: string): Promise<{ status: number | undefined; body: string }> {
  const call = httpRequest({ port, method: "PUT", path, headers: bearer }).end("x");
  const response = await new Promise<import("node:http").IncomingMessage>((resolve, reject) =>
    call.once("response", resolve).once("error", reject),
  );
  return { status: response.statusCode, body: await text(response) };
}

test("1,000 nasty names: each is stored as it is, or refused; none lands elsewhere", async () => {
  const { listen, app, store } = await startFileApi({ RATE_LIMIT: "0" });
  const port = await listen();
  let stored = 0;
  for (const name of nastyNames(1000, 20_02)) {
    store.files.clear();
    const { status, body } = await put(port, `/files/${encodeURIComponent(name)}`);
    if (!isGood(name)) {
      expect([name, status, store.files.size]).toEqual([name, 400, 0]);
      continue;
    }
    stored += 1;
    expect([name, status, [...store.files.keys()]]).toEqual([name, 200, [name]]);
    expect(JSON.parse(body).message).toBe(`Successfully uploaded '${name}' to the bucket 'day02-files'`);
    expect((await app.inject("/list_files")).json().content).toEqual([name]);
    expect((await app.inject(`/download/${encodeURIComponent(name)}`)).statusCode).toBe(200);
    const url = `/files/${encodeURIComponent(name)}`;
    expect((await app.inject({ method: "DELETE", url, headers: bearer })).statusCode).toBe(200);
  }
  expect(stored).toBeGreaterThan(300);
});

test("1,000 nasty names in forms: each is stored as it is, or refused; none lands elsewhere", async () => {
  const { app, store } = await startFileApi({ RATE_LIMIT: "0" });
  let stored = 0;
  for (const name of nastyNames(1000, 20_03)) {
    store.files.clear();
    const answer = await app.inject({
      method: "POST",
      url: "/upload",
      headers: bearer,
      payload: formOf({ [name]: "x" }),
    });
    const names = [...store.files.keys()];
    if (answer.statusCode !== 200) expect([name, answer.statusCode, names]).toEqual([name, 400, []]);
    else {
      stored += 1;
      expect([name, names, isGood(name)]).toEqual([name, [name], true]);
    }
  }
  expect(stored).toBeGreaterThan(300);
});

test("slashes may be encoded or not, and percent signs are decoded once", async () => {
  const { listen, store } = await startFileApi();
  const port = await listen();
  for (const path of ["a/b%2Fc", "%2541", "%252e%252e/x", "a%3Fb%23c", "+", "%2B%20"])
    await put(port, `/files/${path}`);
  expect([...store.files.keys()]).toEqual(["a/b/c", "%41", "%2e%2e/x", "a?b#c", "+", "+ "]);
});

test.each([
  "",
  "/",
  "/a",
  "a/",
  "a//b",
  ".",
  "..",
  "../a",
  "a/../b",
  "a/./b",
  "a/..",
  "%2e%2e/a",
  "%2E%2E%2Fa",
  "a%2F..%2Fb",
  "a%00",
  "a%0a",
  "%7f",
  "%C2%85",
  "%ff",
  "%c3%28",
  "%ed%a0%80",
  "%zz",
  "%",
  "a#b",
  "a".repeat(1025),
  "%C3%A9".repeat(513),
])("/files/%s is refused with 400", async (path) => {
  const { listen, store } = await startFileApi();
  const socket = connect(await listen(), "127.0.0.1").setEncoding("utf8");
  socket.write(
    `PUT /files/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx`,
  );
  const answer = await readToEnd(socket);
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  expect(answer).toContain('{"status":400,"message":');
  expect(store.files.size).toBe(0);
});

test("bytes beyond ASCII in a path, which were not encoded, are refused", async () => {
  const { listen, store } = await startFileApi();
  const socket = connect(await listen(), "127.0.0.1").setEncoding("utf8");
  socket.write(
    `PUT /files/é HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx`,
  );
  expect(await readToEnd(socket)).toMatch(/^HTTP\/1.1 400 /);
  expect(store.files.size).toBe(0);
});

test.each([["a".repeat(1024)], ["%C3%A9".repeat(512)], ["..."], [".a"], ["a.."]])(
  "/files/%s is stored",
  async (path) => {
    const { app, store } = await startFileApi();
    const answer = await app.inject({ method: "PUT", url: `/files/${path}`, headers: bearer, payload: "x" });
    expect(answer.statusCode).toBe(200);
    expect([...store.files.keys()]).toEqual([decodeURIComponent(path)]);
  },
);
