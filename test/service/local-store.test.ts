import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { localFiles } from "../support/local-files.ts";
import { isGood, nastyNames } from "../support/nasty-names.ts";
import { bearer, formOf, sendRaw, startFileApiOver, token, until } from "./file-api.ts";

async function contentOf<T>(url: string): Promise<T> {
  return ((await (await fetch(url)).json()) as { content: T }).content;
}

const names = (base: string) => contentOf<string[]>(`${base}/list_files`);

async function start(variables?: Record<string, string>) {
  const api = await startFileApiOver(await localFiles(), variables);
  return { ...api, base: `http://127.0.0.1:${await api.listen()}` };
}

test("R2.3 to R2.5 over the local cloud's bucket: upload, list, download, delete", async () => {
  const { base } = await start();
  const body = formOf({ "appstore_games.csv": "id,name\n1,a\n", "dir/b.csv": "" });
  const uploaded = await fetch(`${base}/upload`, { method: "POST", body, headers: bearer });
  expect(await uploaded.json()).toEqual({
    status: 200,
    message: "Successfully uploaded 'appstore_games.csv', 'dir/b.csv' to the bucket 'day02-files'",
  });
  expect(await names(base)).toEqual(["appstore_games.csv", "dir/b.csv"]);
  const url = await contentOf<string>(`${base}/download/appstore_games.csv`);
  const download = await fetch(url);
  expect(await download.text()).toBe("id,name\n1,a\n");
  expect(download.headers.get("content-disposition")).toBe("attachment; filename=appstore_games.csv");
  const remove = { method: "DELETE", headers: bearer };
  expect((await fetch(`${base}/files/appstore_games.csv`, remove)).status).toBe(200);
  expect((await fetch(`${base}/files/appstore_games.csv`, remove)).status).toBe(404);
  expect((await fetch(`${base}/download/appstore_games.csv`)).status).toBe(404);
  expect((await fetch(url)).status).toBe(404);
});

test("nasty names round-trip or are refused; none lands elsewhere", async () => {
  const { base, listen: _ } = await start({ RATE_LIMIT: "0" });
  const port = Number(new URL(base).port);
  const put = (path: string) =>
    new Promise<number>((resolve, reject) => {
      const call = httpRequest({ port, method: "PUT", path, headers: bearer }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode ?? 0));
      });
      call.once("error", reject).end(path);
    });
  const stored = new Set<string>();
  for (const name of nastyNames(150, 7)) {
    const status = await put(`/files/${encodeURIComponent(name)}`);
    expect([name, status]).toEqual([name, isGood(name) ? 200 : 400]);
    if (status === 200) stored.add(name);
  }
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  expect(await names(base)).toEqual([...stored].sort(byBytes));
  for (const name of [...stored].slice(0, 30)) {
    const content = await contentOf<string>(`${base}/download/${encodeURIComponent(name)}`);
    expect(await (await fetch(content)).text()).toBe(`/files/${encodeURIComponent(name)}`);
  }
});

test("a client that hangs up, and a file that is too large, leave nothing", async () => {
  const { base, log } = await start({ MAX_FILE_BYTES: "1000000" });
  const head = `HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n`;
  const socket = sendRaw(
    Number(new URL(base).port),
    `PUT /files/half ${head}Content-Length: 900000\r\n\r\nhalf`,
  );
  await once(socket, "connect");
  socket.destroy();
  await until(() => log().some(({ aborted }) => aborted === true));
  const body = formOf({ large: "x".repeat(1_000_001) });
  expect((await fetch(`${base}/upload`, { method: "POST", body, headers: bearer })).status).toBe(413);
  expect(await names(base)).toEqual([]);
  expect(log().filter(({ level }) => Number(level) >= 50)).toEqual([]);
});
