import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdir, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { Buckets } from "../../../providers/local/cloud/buckets.ts";
import { createEndpoint, operatorUrl } from "../../../providers/local/cloud/endpoint.ts";
import { NameIndex } from "../../../providers/local/cloud/name-index.ts";
import type { State } from "../../../providers/local/cloud/store.ts";
import { stateWithMachine } from "../../storage/stores.ts";
import { temporaryFolder } from "../../support/local-cloud.ts";
import { numbersFrom } from "../../support/random.ts";

let home: string;
let buckets: Buckets;
let state: State;
let endpoint: FastifyInstance;
let origin: string;

beforeEach(async () => {
  home = temporaryFolder();
  buckets = new Buckets(home);
  for (const bucket of ["mine", "other"]) buckets.create(bucket);
  state = stateWithMachine("mine", "secret");
  state.buckets.other = { empty: true };
  endpoint = createEndpoint(state, buckets);
  await endpoint.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => endpoint.close());
  state.endpointPort = (endpoint.server.address() as AddressInfo).port;
  origin = `http://127.0.0.1:${state.endpointPort}`;
});

const put = (url: string, body = "content") =>
  fetch(url, { method: "PUT", body, headers: { "content-type": "text/plain" } });

test("a machine has the files of its own bucket, and a stranger none", async () => {
  await buckets.files("other").put("theirs", "text/plain", Readable.from(["x"]));
  const files = `${origin}/machines/secret/files`;
  expect((await put(`${files}/mine`)).status).toBe(200);
  expect(await (await fetch(files)).json()).toMatchObject({
    files: [{ name: "mine", size: 7 }],
    more: false,
  });
  for (const stranger of ["machines/wrong", "operators/mine/wrong", "operators/nothing/wrong"]) {
    expect((await put(`${origin}/${stranger}/files/a`)).status).toBe(403);
    expect((await fetch(`${origin}/${stranger}/files`)).status).toBe(403);
    expect((await fetch(`${origin}/${stranger}/files/mine`, { method: "DELETE" })).status).toBe(403);
    expect(
      (
        await fetch(`${origin}/${stranger}/presigned`, {
          method: "POST",
          body: "{}",
          headers: { "content-type": "application/json" },
        })
      ).status,
    ).toBe(403);
  }
  expect((await fetch(`${origin}/buckets/mine/files/mine`)).status).toBe(403);
});

test("who may read the control plane's state has the files of a bucket, and of no other by the same URL", async () => {
  const url = operatorUrl(state, "mine");
  expect((await put(`${url}/files/a`)).status).toBe(200);
  expect((await fetch(`${url.replace("/mine/", "/other/")}/files`)).status).toBe(403);
  expect(() => operatorUrl({ ...state, signingKey: "" }, "mine")).toThrow("deploy first");
});

test("a machine writes files, never releases", async () => {
  const files = `${origin}/machines/secret/files`;
  await put(`${files}/..%2Freleases%2Fa`);
  await put(`${files}/${encodeURIComponent("../".repeat(90))}x`);
  expect((await put(`${origin}/machines/secret/objects/releases/a`)).status).toBe(404);
  expect(await readdir(join(home, "buckets/mine"))).toEqual(["files"]);
  expect(await readdir(join(home, "buckets/other"))).toEqual([]);
});

test.each(["null", "[]", "7", '{"name":1}', '{"name":"a"}'])(
  "a URL is not signed by the body %s",
  async (body) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${origin}/machines/secret/presigned`, { method: "POST", headers, body });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining("the body must have a name"),
    ]);
  },
);

test("a client that does not read what it asked for is given up", async () => {
  const impatient = createEndpoint(state, buckets, { silenceMs: 200 });
  await impatient.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => impatient.close());
  const { port } = impatient.server.address() as AddressInfo;
  await buckets.copyIn("mine", "releases/large", process.execPath);
  const client = connect(port, "127.0.0.1");
  client.on("error", () => {}); // a reset is one way to be given up
  client.pause().write("GET /machines/secret/objects/releases/large HTTP/1.1\r\nHost: a\r\n\r\n");
  const [connection] = await once(impatient.server, "connection");
  await once(connection, "close");
  client.destroy();
});

test("every name is a file of its own, and no other's", async () => {
  const files = buckets.files("mine");
  const names = [
    ".",
    "..",
    "a",
    "A",
    "a+/b",
    `${"a".repeat(240)}..`,
    "a".repeat(240),
    "%41",
    "é",
    "e\u0301",
    "/",
    "//",
  ];
  for (const name of names) await files.put(name, "text/plain", Readable.from([name]));
  const { files: listed } = await files.list("", "", 100);
  expect(listed.map(({ name }) => name).sort()).toEqual(names.toSorted());
  for (const name of names) expect(await files.remove(name), name).toBe(true);
  for (const name of ["", "\n", "a".repeat(1025), "\ud800"]) {
    await expect(files.put(name, "text/plain", Readable.from([]))).rejects.toThrow("is no file name");
  }
  await expect(files.put("a", "t".repeat(513), Readable.from([]))).rejects.toThrow("content type");
});

test("pages are in the order of names' bytes, whatever is stored and deleted meanwhile", async () => {
  const files = buckets.files("mine");
  const next = numbersFrom(5);
  const alphabet = ["a", "A", "0", "/", "%", "é", "\u{1f600}", "\uffee", "-", "."];
  const text = (most: number) =>
    Array.from({ length: next() % most }, () => alphabet[next() % alphabet.length]).join("");
  const stored = new Set<string>();
  for (let round = 0; round < 150; round += 1) {
    const name = `x${text(4)}`;
    const change = next() % 3 === 0 ? files.remove(name) : files.put(name, "text/plain", Readable.from([]));
    const listing = files.list("", "", 1);
    await Promise.all([change, listing]);
    const file = await files.get(name);
    await file?.close();
    if (file) stored.add(name);
    else stored.delete(name);
    if (round % 30 === 7) files.changedByOthers();
    const [prefix, after, limit] = [text(3) && `x${text(2)}`, `x${text(3)}`, (next() % 5) + 1];
    const expected = [...stored]
      .filter((one) => one.startsWith(prefix) && Buffer.compare(Buffer.from(one), Buffer.from(after)) > 0)
      .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    const page = await files.list(prefix, after, limit);
    expect(page.files.map((file) => file.name)).toEqual(expected.slice(0, limit));
    expect(page.more).toBe(expected.length > limit);
  }
});

test("names are read once, however many pages are asked for, and again when others may have changed them", async () => {
  let reads = 0;
  const index = new NameIndex(async function* () {
    reads += 1;
    yield* ["b", "a", "c"];
  });
  const pages = await Promise.all(Array.from({ length: 60 }, () => index.page("", "a", 1)));
  expect(pages).toEqual(Array(60).fill({ names: ["b"], more: true }));
  index.remove("b");
  expect(await index.page("", "", 9)).toEqual({ names: ["a", "c"], more: false });
  expect(reads).toBe(1);
  index.forget();
  expect((await index.page("", "", 9)).names).toEqual(["a", "b", "c"]);
  expect(reads).toBe(2);
});

test.each([
  ["bytes=2-3", 206, "cd", "bytes 2-3/10"],
  ["bytes=8-99", 206, "ij", "bytes 8-9/10"],
  ["bytes=7-", 206, "hij", "bytes 7-9/10"],
  ["bytes=-4", 206, "ghij", "bytes 6-9/10"],
  ["bytes=10-", 416, "", "bytes */10"],
  ["bytes=0-1,4-5", 200, "abcdefghij", null],
])("%s gives %s %j", async (range, status, text, contentRange) => {
  const machine = `${origin}/machines/secret`;
  await put(`${machine}/files/letters`, "abcdefghij");
  const body = JSON.stringify({ name: "letters", expiresSeconds: 60, contentDisposition: "inline" });
  const headers = { "content-type": "application/json" };
  const signed = await fetch(`${machine}/presigned`, { method: "POST", headers, body });
  const { url } = (await signed.json()) as { url: string };
  const answer = await fetch(url, { headers: { range } });
  expect([answer.status, await answer.text(), answer.headers.get("content-range")]).toEqual([
    status,
    text,
    contentRange,
  ]);
  expect(answer.headers.get("content-disposition")).toBe("inline");
});

test("a download is sent again only when it has changed, and only as what it was", async () => {
  const machine = `${origin}/machines/secret`;
  await put(`${machine}/files/letters`, "abcdefghij");
  const body = JSON.stringify({ name: "letters", expiresSeconds: 60, contentDisposition: "inline" });
  const signed = await fetch(`${machine}/presigned`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const { url } = (await signed.json()) as { url: string };
  const first = await fetch(url);
  const etag = `${first.headers.get("etag")}`;
  const modified = `${first.headers.get("last-modified")}`;
  expect(etag).toMatch(/^".+"$/);
  const statusOf = async (headers: Record<string, string>) => (await fetch(url, { headers })).status;
  expect(await statusOf({ "if-none-match": etag })).toBe(304);
  expect(await statusOf({ "if-none-match": `"other", W/${etag}` })).toBe(304);
  expect(await statusOf({ "if-none-match": '"other"', "if-modified-since": modified })).toBe(200);
  expect(await statusOf({ "if-modified-since": modified })).toBe(304);
  expect(await statusOf({ "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT" })).toBe(200);
  expect(await statusOf({ "if-match": '"other"' })).toBe(412);
  expect(await statusOf({ "if-match": etag })).toBe(200);
  expect(await statusOf({ range: "bytes=0-1", "if-range": etag })).toBe(206);
  expect(await statusOf({ range: "bytes=0-1", "if-range": '"other"' })).toBe(200);
  await put(`${machine}/files/letters`, "abcdefghijk");
  expect(await statusOf({ "if-none-match": etag })).toBe(200);
});

test("a failure of the store is for its log, and says nothing of this machine to who asks", async () => {
  const failures: string[] = [];
  const broken = createEndpoint(state, buckets, { onError: ({ message }) => failures.push(message) });
  await broken.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => broken.close());
  const { port } = broken.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/machines/secret/files/thing`;
  await put(url);
  // A file stands where the store has a folder.
  await rm(join(home, "buckets/mine/files"), { recursive: true });
  await writeFile(join(home, "buckets/mine/files"), "");
  onTestFinished(() => rm(join(home, "buckets/mine/files")));
  const answer = await put(url);
  expect([answer.status, await answer.text()]).toEqual([500, "the local cloud failed; its log says why\n"]);
  expect(failures.join()).toContain("buckets/mine/files");
});

test("what a killed control plane left of uploads is nobody's data, and goes when the next one starts", async () => {
  const files = () => readdir(join(home, "buckets", "mine"), { recursive: true });
  const content = Readable.from(
    (async function* () {
      yield Buffer.from("half");
      await buckets.destroy("mine", false);
    })(),
  );
  await expect(buckets.files("mine").put("a", "text/plain", content)).rejects.toThrow("ENOENT");
  buckets.create("mine");
  await buckets.files("mine").put("a", "text/plain", Readable.from(["whole"]));
  const [unfinished] = (await filesDuring("mine")).filter((name) => name.startsWith("."));
  const own = `${unfinished}`;
  const ended = spawnSync("true").pid;
  for (const name of [own, own.replace(`${process.pid}`, `${ended}`), `.upload-${randomUUID()}`])
    await writeFile(join(home, "buckets", "mine", name), "half");
  await buckets.removeUnfinished();
  expect((await files()).toSorted()).toEqual([own, "files", "files/a"]);
});

/** The names in a bucket's folder while a file is stored. */
async function filesDuring(bucket: string): Promise<string[]> {
  let names: string[] = [];
  const content = Readable.from(
    (async function* () {
      yield Buffer.from("half");
      names = await readdir(join(home, "buckets", bucket));
    })(),
  );
  await buckets.files(bucket).put("other", "text/plain", content);
  await buckets.files(bucket).remove("other");
  return names;
}
