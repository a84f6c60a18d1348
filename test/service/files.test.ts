import { expect, test } from "vitest";
import { StoreError } from "../../service/storage/store.ts";
import { bearer, formOf, startFileApi } from "./file-api.ts";

const bucket = "day02-files";

async function withFiles(...names: string[]) {
  const api = await startFileApi();
  for (const name of names) {
    api.store.files.set(name, { content: Buffer.from("x"), contentType: "text/csv", modified: new Date(0) });
  }
  return api;
}

test("R2.3, R2.6: /list_files answers the names", async () => {
  const { app } = await withFiles("b.csv", "a/1.csv");
  const answer = await app.inject("/list_files");
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["cache-control"]).toBe("no-store");
  expect(answer.json()).toEqual({
    status: 200,
    message: `Successfully listed files on s3 bucket '${bucket}'`,
    content: ["a/1.csv", "b.csv"],
  });
});

test("a long list goes on where `next` says, without repeating or leaving out a name", async () => {
  const names = Array.from({ length: 25 }, (_, index) => `dir/é&? ${String(index).padStart(2, "0")}`);
  const { app } = await withFiles(...names, "other");
  const seen: string[] = [];
  let pages = 0;
  for (let url = `/list_files?limit=10&prefix=${encodeURIComponent("dir/é")}`; url; pages += 1) {
    const { content, next } = (await app.inject(url)).json();
    seen.push(...content);
    url = next;
  }
  expect(pages).toBe(3);
  expect(seen).toEqual(names);
});

test.each([
  "limit=0",
  "limit=1001",
  "limit=many",
  "prefix=%00",
  `after=${"a".repeat(1025)}`,
  "after=a&after=b",
])("/list_files?%s is refused", async (query) => {
  const { app } = await withFiles();
  const answer = await app.inject(`/list_files?${query}`);
  expect(answer.json()).toEqual({ status: 400, message: expect.any(String) });
});

test("R2.4: one file of a form is stored with its type", async () => {
  const { app, store } = await startFileApi({ PUBLIC: "true" });
  const answer = await app.inject({
    method: "POST",
    url: "/upload",
    payload: formOf({ "games.csv": "a,b" }),
  });
  expect(answer.json()).toEqual({
    status: 200,
    message: `Successfully uploaded 'games.csv' to the bucket '${bucket}'`,
  });
  expect(store.files.get("games.csv")?.content.toString()).toBe("a,b");
});

test("several files of a form are stored, each under its name", async () => {
  const { app, store } = await startFileApi({ PUBLIC: "true" });
  const form = formOf({ "a.csv": "1", "dir/b.csv": "", "é.csv": "3" });
  form.append("note", "not a file");
  const answer = await app.inject({ method: "POST", url: "/upload", payload: form });
  expect(answer.json().message).toBe(
    `Successfully uploaded 'a.csv', 'dir/b.csv', 'é.csv' to the bucket '${bucket}'`,
  );
  expect([...store.files].map(([name, { content }]) => [name, String(content)])).toEqual([
    ["a.csv", "1"],
    ["dir/b.csv", ""],
    ["é.csv", "3"],
  ]);
});

function textForm(name: string, value: string): FormData {
  const form = new FormData();
  form.append(name, value);
  return form;
}

test.each([
  ["a form that only names it", textForm("file", "games.csv"), "games.csv"],
  ["a form with something else", textForm("note", "games.csv"), "file"],
  ["a form without a choice", formOf({ "": "" }), "file"],
])("R2.4: %s is answered with 404", async (_name, payload, file) => {
  const { app, store } = await startFileApi({ PUBLIC: "true" });
  const answer = await app.inject({ method: "POST", url: "/upload", payload });
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toEqual({ status: 404, message: `The file '${file}' was not found` });
  expect(store.files.size).toBe(0);
});

test("R2.4: no body at all is answered with 404", async () => {
  const { app } = await startFileApi({ PUBLIC: "true" });
  const answer = await app.inject({ method: "POST", url: "/upload" });
  expect(answer.json()).toEqual({ status: 404, message: "The file 'file' was not found" });
});

const part = "--q\r\ncontent-disposition: form-data; name=file; filename=cut.csv\r\n\r\nabc";

test.each([
  ["application/json", "{}", 415],
  ["multipart/form-data", "x", 400],
  ["multipart/form-data; boundary=q", "no form", 400],
  ["multipart/form-data; boundary=q", part, 400],
  ["multipart/form-data; boundary=q", `${part}\r\n--q`, 400],
])("a body of type %s that is no whole form is refused: %j", async (type, payload, status) => {
  const { app, store } = await startFileApi({ PUBLIC: "true" });
  const headers = { "content-type": type };
  const answer = await app.inject({ method: "POST", url: "/upload", payload, headers });
  expect(answer.json()).toEqual({ status, message: expect.any(String) });
  expect(store.running.size).toBe(0);
});

test("R2.5: /download answers a URL that is good for two minutes, with a safe Content-Disposition", async () => {
  const name = 'dir/rö"; x=\\.csv';
  const { app } = await withFiles(name);
  const answer = await app.inject(`/download/${encodeURIComponent(name)}`);
  expect(answer.statusCode).toBe(200);
  const { status, message, content } = answer.json();
  expect({ status, message }).toEqual({
    status: 200,
    message: `Successfully generated presigned url for '${name}'`,
  });
  const query = new URL(content).searchParams;
  expect(query.get("expires")).toBe("120");
  expect(query.get("disposition")).toBe(
    `attachment; filename="r?\\"; x=\\\\.csv"; filename*=UTF-8''r%C3%B6%22%3B%20x%3D%5C.csv`,
  );
});

test("R2.5: a missing file is answered with 404", async () => {
  const { app } = await withFiles();
  const answer = await app.inject("/download/none.csv");
  expect(answer.statusCode).toBe(404);
  expect(answer.json()).toEqual({
    status: 404,
    message: `The file 'none.csv' was not found on the bucket '${bucket}'`,
  });
});

test("PUT stores a body of any type, and DELETE removes it", async () => {
  const { app, store } = await startFileApi();
  const request = { url: "/files/dir/a.json", headers: { ...bearer, "content-type": "application/json" } };
  const put = await app.inject({ ...request, method: "PUT", payload: "{not json" });
  expect(put.json()).toEqual({
    status: 200,
    message: `Successfully uploaded 'dir/a.json' to the bucket '${bucket}'`,
  });
  expect(store.files.get("dir/a.json")).toMatchObject({
    content: Buffer.from("{not json"),
    contentType: "application/json",
  });
  const message = `Successfully deleted 'dir/a.json' from the bucket '${bucket}'`;
  expect((await app.inject({ ...request, method: "DELETE" })).json()).toEqual({ status: 200, message });
  expect((await app.inject({ ...request, method: "DELETE" })).json()).toEqual({
    status: 404,
    message: `The file 'dir/a.json' was not found on the bucket '${bucket}'`,
  });
});

test("PUT without a body or a type stores an empty file", async () => {
  const { app, store } = await startFileApi();
  await app.inject({ method: "PUT", url: "/files/empty", headers: { ...bearer, "content-length": "0" } });
  expect(store.files.get("empty")).toMatchObject({
    content: Buffer.alloc(0),
    contentType: "application/octet-stream",
  });
});

test.each([
  [{ "content-encoding": "gzip" }, 415],
  [{ "content-range": "bytes 0-1/2" }, 400],
])("PUT with %j would not store what the client means, and is refused", async (headers, status) => {
  const { app, store } = await startFileApi();
  const answer = await app.inject({
    method: "PUT",
    url: "/files/a",
    headers: { ...bearer, ...headers },
    payload: "x",
  });
  expect(answer.statusCode).toBe(status);
  expect(store.files.size).toBe(0);
});

test.each([
  ["busy", 503, `The bucket '${bucket}' is busy; try again later`],
  ["timeout", 504, `The bucket '${bucket}' did not answer in time`],
  ["unavailable", 502, `The bucket '${bucket}' cannot be reached`],
  ["denied", 502, `The bucket '${bucket}' refuses this machine`],
  ["full", 507, `The bucket '${bucket}' is full`],
  ["unsupported", 501, `The bucket '${bucket}' offers no links to files`],
] as const)(
  "a store that is %s is answered with %i, and its words are logged alone",
  async (fault, status, message) => {
    const api = await startFileApi({ PUBLIC: "true" });
    const secret = new Error("http://169.254.169.254 key AKIA");
    api.store.fault = new StoreError(fault, "in the store's own words", secret);
    for (const request of [
      { url: "/list_files" },
      { url: "/download/a" },
      { url: "/files/a", method: "PUT", payload: "x" },
      { url: "/files/a", method: "DELETE" },
      { url: "/upload", method: "POST", payload: formOf({ a: "x" }) },
    ] as const) {
      const answer = await api.app.inject(request);
      expect(answer.json()).toEqual({ status, message });
      expect(answer.headers["retry-after"]).toBe(fault === "busy" ? "5" : undefined);
    }
    const errors = api.log().filter(({ level }) => level === 50);
    expect(errors).toHaveLength(5);
    expect(errors[0]).toMatchObject({ fault, err: { message: expect.stringContaining("own words") } });
  },
);

test("a store that hangs is given up after STORE_SECONDS", async () => {
  const { app, store } = await startFileApi({ STORE_SECONDS: "1" });
  store.fault = "hang";
  expect((await app.inject("/list_files")).json()).toEqual({
    status: 504,
    message: `The bucket '${bucket}' did not answer in time`,
  });
});

test("without a store there is no file API", async () => {
  const { buildApp } = await import("../../service/app.ts");
  const { readSettings } = await import("../../service/settings/settings.ts");
  const { environment } = await import("./environment.ts");
  const app = await buildApp(readSettings({ ...environment, LOG_LEVEL: "silent" }));
  expect((await app.inject("/list_files")).statusCode).toBe(404);
  await app.close();
});
