import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { limitUploads } from "../../service/files/uploads.ts";
import { uploadMemory } from "../../service/storage/s3-upload.ts";
import { type MemoryStore, memoryStore } from "../support/memory-store.ts";
import { bearer, formOf, sendRaw, startFileApi, startFileApiOver, token, until } from "./file-api.ts";
import { readToEnd } from "./process.ts";

const auth = `Authorization: Bearer ${token}\r\n`;

test("a client that hangs up in the middle of a PUT leaves nothing", async () => {
  const { listen, store, log } = await startFileApi();
  const socket = sendRaw(
    await listen(),
    `PUT /files/half HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 1000\r\n\r\nhalf of it`,
  );
  await until(() => store.running.has("half"));
  socket.destroy();
  await until(() => store.running.size === 0);
  expect(store.files.size).toBe(0);
  await until(() => log().some(({ aborted }) => aborted === true));
  expect(log().filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test("a client that hangs up in the middle of a form leaves nothing of the file it was at", async () => {
  const { listen, store } = await startFileApi();
  const part = (name: string) => `--q\r\nContent-Disposition: form-data; name=file; filename=${name}\r\n\r\n`;
  const socket = sendRaw(
    await listen(),
    `POST /upload HTTP/1.1\r\nHost: x\r\n${auth}Content-Type: multipart/form-data; boundary=q\r\nContent-Length: 100000\r\n\r\n${part("whole")}abc\r\n${part("half")}def`,
  );
  await until(() => store.running.has("half"));
  socket.destroy();
  await until(() => store.running.size === 0);
  expect([...store.files.keys()]).toEqual(["whole"]);
});

test("of two uploads of one name, the one that completes last wins whole", async () => {
  const { listen, store } = await startFileApi();
  const port = await listen();
  const begin = (content: string) => {
    const call = httpRequest({ port, method: "PUT", path: "/files/a", headers: bearer });
    call.write(content.slice(0, 5));
    return { call, end: () => call.end(content.slice(5)), answered: once(call, "response") };
  };
  const [first, second] = [begin("1".repeat(10)), begin("2".repeat(10))];
  second.end();
  await second.answered;
  first.end();
  await first.answered;
  expect(store.files.get("a")?.content.toString()).toBe("1".repeat(10));
});

test("a file that says it is too large is refused before it is sent", async () => {
  const { listen, store } = await startFileApi({ MAX_FILE_BYTES: "1000" });
  const socket = sendRaw(
    await listen(),
    `PUT /files/a HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n`,
  );
  const answer = await readToEnd(socket);
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
  expect(answer).toContain('{"status":413,"message":"A file may have at most 1000 bytes"}');
  expect(store.running.size).toBe(0);
});

function* endless() {
  for (;;) yield Buffer.alloc(16 * 1024);
}

test("a PUT that announces no body stores nothing, and one of no bytes an empty file", async () => {
  const { listen, store } = await startFileApi();
  const port = await listen();
  const head = `PUT /files/a HTTP/1.1\r\nHost: x\r\n${auth}Connection: close\r\n`;
  const answer = await readToEnd(sendRaw(port, `${head}\r\n`));
  expect(answer).toMatch(/^HTTP\/1.1 411 /);
  expect(store.files.size).toBe(0);
  expect(await readToEnd(sendRaw(port, `${head}Content-Length: 0\r\n\r\n`))).toMatch(/^HTTP\/1.1 200 /);
  expect(store.files.get("a")?.content.length).toBe(0);
});

test.each(["Host: y", `${auth.trim()}x`])("a request with a second %j is refused", async (header) => {
  const { listen, store } = await startFileApi();
  const head = `PUT /files/a HTTP/1.1\r\nHost: x\r\n${auth}Connection: close\r\nContent-Length: 1\r\n`;
  const answer = await readToEnd(sendRaw(await listen(), `${head}${header}\r\n\r\nx`));
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  expect(answer).toContain(`The header ${header.split(":")[0]} must not be there twice`);
  expect(store.files.size).toBe(0);
});

test("a body of unknown length is cut at the limit, answered with 413, and nothing is left", async () => {
  const { listen, store } = await startFileApi({ MAX_FILE_BYTES: "100000" });
  const call = httpRequest({ port: await listen(), method: "PUT", path: "/files/a", headers: bearer });
  call.on("error", () => call.destroy());
  const answered = once(call, "response");
  Readable.from(endless()).pipe(call);
  const [response] = await answered;
  expect(response.statusCode).toBe(413);
  call.destroy();
  expect(store.files.size + store.running.size).toBe(0);
});

test("a body of unknown length may be no longer than the store can take", async () => {
  const { app } = await startFileApiOver({ ...memoryStore(), maxUnknownBytes: 100 });
  const put = { method: "PUT", url: "/files/a", headers: bearer } as const;
  expect((await app.inject({ ...put, payload: "x".repeat(1000) })).statusCode).toBe(200);
  const form = (size: number) =>
    app.inject({ method: "POST", url: "/upload", headers: bearer, payload: formOf({ a: "x".repeat(size) }) });
  expect((await form(101)).json()).toEqual({
    status: 413,
    message:
      "A file may have at most 100 bytes, unless a Content-Length says before how long it is: PUT /files/<name>",
  });
  expect((await form(100)).statusCode).toBe(200);
});

test("exactly the limit is stored, in a form as well", async () => {
  const { app, store } = await startFileApi({ MAX_FILE_BYTES: "1000" });
  const post = (size: number) =>
    app.inject({ method: "POST", url: "/upload", headers: bearer, payload: formOf({ a: "x".repeat(size) }) });
  expect((await post(1001)).json()).toEqual({ status: 413, message: "A file may have at most 1000 bytes" });
  expect(store.files.size).toBe(0);
  expect((await post(1000)).statusCode).toBe(200);
  const put = { method: "PUT", url: "/files/b", headers: bearer } as const;
  expect((await app.inject({ ...put, payload: "x".repeat(1001) })).statusCode).toBe(413);
  expect((await app.inject({ ...put, payload: "x".repeat(1000) })).statusCode).toBe(200);
});

test("who waits for 100 Continue gets it when the body is wanted", async () => {
  const { listen, store } = await startFileApi();
  const socket = sendRaw(
    await listen(),
    `PUT /files/a HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`,
  );
  const [interim] = await once(socket, "data");
  expect(interim).toMatch(/^HTTP\/1.1 100 Continue\r\n/);
  socket.write("abc");
  expect(await readToEnd(socket)).toMatch(/^HTTP\/1.1 200 /);
  expect(store.files.get("a")?.content.toString()).toBe("abc");
});

const put = `PUT /files/a HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 100000\r\n\r\n`;
const post = `POST /upload HTTP/1.1\r\nHost: x\r\n${auth}Content-Type: multipart/form-data; boundary=q\r\nContent-Length: 100000\r\n\r\n`;
const part = "--q\r\nContent-Disposition: form-data; name=file; filename=a";

test.for([
  ["sends nothing of a file", `${put}abc`, ""],
  ["sends a file byte by byte", put, "x"],
  ["sends nothing of a form", post, ""],
  ["sends the head of a part byte by byte", `${post}${part}`, "x"],
  ["sends a form's file byte by byte", `${post}${part}\r\n\r\n`, "x"],
] as const)("a client that %s is given up, and its place is free", async ([, begin, byte]) => {
  const { listen, app, store } = await startFileApi({ UPLOAD_IDLE_SECONDS: "1", MAX_UPLOADS: "1" });
  const socket = sendRaw(await listen(), begin);
  const drip = setInterval(() => socket.write(byte), 20);
  onTestFinished(() => clearInterval(drip));
  const [answer] = await once(socket, "data");
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
  expect(answer).toContain("The client sent too slowly: less than 500 bytes in 1 s");
  expect(store.files.size + store.running.size).toBe(0);
  const next = await app.inject({ method: "PUT", url: "/files/b", headers: bearer, payload: "x" });
  expect(next.statusCode).toBe(200);
  socket.destroy();
});

test("a client that is slow and does send enough is heard to its end", async () => {
  const { listen, store } = await startFileApi({ UPLOAD_IDLE_SECONDS: "1" });
  const size = 20_000;
  const socket = sendRaw(
    await listen(),
    `PUT /files/a HTTP/1.1\r\nHost: x\r\n${auth}Connection: close\r\nContent-Length: ${size}\r\n\r\n`,
  );
  for (let sent = 0; sent < size; sent += 1000) {
    socket.write("x".repeat(1000));
    await sleep(100);
  }
  expect(await readToEnd(socket)).toMatch(/^HTTP\/1.1 200 /);
  expect(store.files.get("a")?.content.length).toBe(size);
});

test("a store that is slower than UPLOAD_IDLE_SECONDS to complete each file is not the client's fault", async () => {
  const memory = memoryStore();
  const slow: MemoryStore = {
    ...memory,
    put: async (...file) => {
      const stored = await memory.put(...file);
      await sleep(1500);
      return stored;
    },
  };
  const { listen } = await startFileApiOver(slow, { UPLOAD_IDLE_SECONDS: "1" });
  const body = formOf({ a: "a".repeat(1_000_000), b: "b".repeat(10_000_000) });
  const url = `http://127.0.0.1:${await listen()}/upload`;
  const answer = await fetch(url, { method: "POST", headers: bearer, body });
  expect(answer.status).toBe(200);
  expect(memory.files.get("b")?.content.length).toBe(10_000_000);
});

test("a store that takes nothing for UPLOAD_IDLE_SECONDS is not the client's fault", async () => {
  const stuck: MemoryStore = {
    ...memoryStore(),
    put: async (_name, content) => {
      const [error] = await once(content, "close").catch((failure: unknown) => [failure]);
      throw error;
    },
  };
  const { listen } = await startFileApiOver(stuck, { UPLOAD_IDLE_SECONDS: "1" });
  const size = 10_000_000;
  const head = `PUT /files/a HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: ${size}\r\n\r\n`;
  const socket = sendRaw(await listen(), head + "x".repeat(size));
  const [answer] = await once(socket, "data");
  expect(answer).toMatch(/^HTTP\/1.1 504 /);
  expect(answer).toContain("The bucket took nothing for 1 s");
  socket.destroy();
});

test("who goes on sending after the answer is cut off", async () => {
  const { listen } = await startFileApi();
  const socket = sendRaw(await listen(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
  const drip = setInterval(() => socket.write("d"), 3000);
  socket.on("error", () => {});
  expect(await readToEnd(socket).catch((error) => error.code)).toMatch(/^HTTP\/1.1 405 |ECONNRESET/);
  clearInterval(drip);
});

const MiB = 1024 ** 2;
const TiB = 1024 ** 4;

test.for([
  [64, 12_288, undefined, 64],
  [64, 512, undefined, 21],
  [64, 256, undefined, 10],
  [4, 512, undefined, 4],
  [64, 5, undefined, 1],
  [64, 512, 5 * 1024 * MiB, 21],
  [64, 4096, 5 * TiB, 2],
  [64, 1024, 5 * TiB, 0],
] as const)(
  "of %d uploads at most, %d MiB of memory have room for as many of %s bytes on S3: %d",
  async ([max, memory, size, fit]) => {
    const uploads = limitUploads(max, memory * MiB);
    const bytes = uploadMemory(size);
    const end = Promise.withResolvers<void>();
    const running = Array.from({ length: fit }, () => uploads.run(bytes, () => end.promise));
    const refused = await uploads.run(bytes, () => end.promise).catch((error: unknown) => error);
    expect(refused).toMatchObject({ statusCode: fit === 0 ? 413 : 503 });
    expect(uploads.active).toBe(fit);
    end.resolve();
    await Promise.all(running);
    expect(await uploads.run(24 * MiB, async () => uploads.active)).toBe(1);
  },
);

test("what S3 is told of an upload's memory is what its buffers take", () => {
  expect(uploadMemory(undefined)).toBe(24 * MiB);
  expect(uploadMemory(60e9)).toBe(24 * MiB);
  expect(uploadMemory(5 * TiB)).toBeGreaterThan(1.5 * 1024 * MiB);
});

test("a file that needs more memory than there is for uploads is refused before it is sent", async () => {
  const { app } = await startFileApiOver({ ...memoryStore(), uploadMemory: () => 1e15 });
  const answer = await app.inject({ method: "PUT", url: "/files/a", headers: bearer, payload: "x" });
  expect(answer.statusCode).toBe(413);
  expect(answer.json().message).toContain(
    "A file of this size takes 1000000000000000 bytes of memory to store",
  );
});

test("more uploads than MAX_UPLOADS are told to come back, and the next one is taken when one has ended", async () => {
  const { listen, app, store } = await startFileApi({ MAX_UPLOADS: "1" });
  const socket = sendRaw(
    await listen(),
    `PUT /files/slow HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 9\r\n\r\nabc`,
  );
  await until(() => store.running.size === 1);
  const put = { method: "PUT", url: "/files/a", headers: bearer, payload: "x" } as const;
  const busy = await app.inject(put);
  expect(busy.statusCode).toBe(503);
  expect(busy.headers["retry-after"]).toBe("1");
  expect((await app.inject("/list_files")).statusCode).toBe(200);
  socket.destroy();
  await until(() => store.running.size === 0);
  expect((await app.inject(put)).statusCode).toBe(200);
});

test("an app that must end cuts uploads off, so that they leave nothing", async () => {
  const { listen, store, cutOff } = await startFileApi();
  const socket = sendRaw(
    await listen(),
    `PUT /files/a HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 9\r\n\r\nabc`,
  );
  await until(() => store.running.size === 1);
  cutOff.abort();
  const [answer] = await once(socket, "data");
  expect(answer).toMatch(/^HTTP\/1.1 503 /);
  expect(store.files.size + store.running.size).toBe(0);
  socket.destroy();
});
