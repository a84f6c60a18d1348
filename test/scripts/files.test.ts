import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { parseFilesRequest, progressLine, runFiles, secondsOf } from "../../scripts/files.ts";
import type { Context } from "../../scripts/process.ts";
import { localFiles } from "../support/local-files.ts";

test("reads a command line", () => {
  expect(parseFilesRequest(["put", "data/games.csv"])).toEqual({
    command: "put",
    argument: "data/games.csv",
    name: "games.csv",
    expiresSeconds: 600,
    stack: "local",
  });
  const all = ["put", "a.csv", "--name", "dir/b.csv", "--expires", "2h", "--stack", "prod"];
  expect(parseFilesRequest(all)).toMatchObject({ name: "dir/b.csv", expiresSeconds: 7200, stack: "prod" });
  expect(parseFilesRequest(["ls"])).toMatchObject({ command: "ls", argument: "" });
});

test.each([[[]], [["put"]], [["url"]], [["rm", "a", "b"]], [["cp", "a"]]])(
  "of %j it says how it is used",
  (args) => {
    expect(() => parseFilesRequest(args)).toThrow(/^Usage: npm run files/);
  },
);

test.each(["..", "a/../b", "/a", "a\n"])("the name %j is refused before anything is asked", (name) => {
  expect(() => parseFilesRequest(["rm", name])).toThrow(/file name/);
});

test.each([
  ["90s", 90],
  ["10m", 600],
  ["7d", 604_800],
])("--expires %s is %i seconds", (text, seconds) => {
  expect(secondsOf(text)).toBe(seconds);
});

test.each(["10", "0s", "8d", "1w", "-1m", ""])("--expires %j is refused", (text) => {
  expect(() => secondsOf(text)).toThrow(`--expires ${text}: it must be a duration`);
});

test("the progress bar is as wide as the terminal", () => {
  const line = progressLine("games.csv", 5e6, 20e6, 60);
  expect(line).toMatch(/^games\.csv \[#{8} {23}\] 25% 5\.0\/20\.0 MB$/);
  expect(line.length).toBe(59);
  expect(progressLine("empty", 0, 0, 40)).toMatch(/^empty \[#+\] 100% 0\.0\/0\.0 MB$/);
  expect(progressLine("a-very-long-name.csv", 1, 2, 20).length).toBeLessThanOrEqual(26);
});

async function run(store: Parameters<typeof runFiles>[0], ...args: string[]) {
  const printed: string[] = [];
  const print = vi.spyOn(console, "log").mockImplementation((line) => void printed.push(line));
  const logged: string[] = [];
  const context: Context = {
    root: ".",
    env: {},
    signal: AbortSignal.timeout(15_000),
    log: (line) => void logged.push(line),
  };
  try {
    await runFiles(store, parseFilesRequest(args), context);
  } finally {
    print.mockRestore();
  }
  return { printed, logged };
}

test("R2.1: put, ls, url and rm on the bucket of a local cloud", async () => {
  const store = await localFiles();
  const folder = await mkdtemp(join(tmpdir(), "files-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "appstore_games.csv");
  const content = "id,name\n".repeat(50_000);
  await writeFile(file, content);

  const { printed, logged } = await run(store, "put", file);
  expect(logged).toEqual(["Stored 'appstore_games.csv' in the bucket 'day02-files'."]);
  const download = await fetch(printed[0] ?? "");
  expect(download.headers.get("content-type")).toBe("text/csv");
  expect(download.headers.get("content-disposition")).toBe("attachment; filename=appstore_games.csv");
  expect(await download.text()).toBe(content);

  await run(store, "put", file, "--name", "dir/ü &.csv");
  expect((await run(store, "ls")).printed).toEqual([
    expect.stringMatching(/^\d{4}-\S+ +400000 appstore_games\.csv$/),
    expect.stringMatching(/^\d{4}-\S+ +400000 dir\/ü &\.csv$/),
  ]);
  expect((await run(store, "ls", "dir/")).printed).toHaveLength(1);
  const other = await run(store, "url", "dir/ü &.csv", "--expires", "1m");
  expect((await fetch(other.printed[0] ?? "")).status).toBe(200);

  expect((await run(store, "rm", "appstore_games.csv")).logged).toEqual([
    "Deleted 'appstore_games.csv' from the bucket 'day02-files'.",
  ]);
  await expect(run(store, "rm", "appstore_games.csv")).rejects.toThrow("was not found on the bucket");
  await expect(run(store, "url", "appstore_games.csv")).rejects.toThrow("was not found on the bucket");
  await expect(run(store, "put", join(folder, "none"))).rejects.toThrow(/^There is no file .*none\.$/);
  await expect(run(store, "put", join(file, "none"))).rejects.toThrow(/^There is no file /);
  await expect(run(store, "put", folder)).rejects.toThrow(/is a folder: put stores one file at a time\.$/);
});
