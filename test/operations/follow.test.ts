import { appendFile, open, truncate, writeFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { follow, newPart, scrolling } from "../../operations/follow.ts";
import { tailOf } from "../../providers/local/machines.ts";
import { temporaryFolder } from "../support/fake-cli.ts";

const once = { follow: false, signal: new AbortController().signal };

test("without following, what is there is told once", async () => {
  let reads = 0;
  const tail = scrolling(async () => `${++reads} booted\n`);
  expect(await Array.fromAsync(follow(tail, 1, once))).toEqual(["1 booted\n"]);
  expect(reads).toBe(1);
});

test("a followed console tells what is new, until it is aborted, also while nothing comes", async () => {
  const texts = ["one\n", "one\n", "one\ntwo\n"];
  const stop = new AbortController();
  const console = scrolling(async () => {
    if (texts.length === 1) setImmediate(() => stop.abort());
    return texts.length > 1 ? `${texts.shift()}` : `${texts[0]}`;
  });
  const told = await Array.fromAsync(follow(console, 1, { follow: true, signal: stop.signal }));
  expect(told).toEqual(["one\n", "two\n"]);
});

test("a followed file tells what is appended, and starts again when it was cut short", async () => {
  const file = `${temporaryFolder()}/log`;
  await writeFile(file, "one ü\n");
  const handle = await open(file);
  onTestFinished(() => handle.close());
  const stop = new AbortController();
  const log = follow(tailOf(handle), 1, { follow: true, signal: stop.signal });
  expect((await log.next()).value).toBe("one ü\n");
  await appendFile(file, "two\n");
  expect((await log.next()).value).toBe("two\n");
  await truncate(file);
  const next = log.next();
  await appendFile(file, "three\n");
  expect((await next).value).toBe("three\n");
  stop.abort();
  expect(await log.next()).toEqual({ done: true, value: undefined });
});

test("shows of a console that has gone on only what is new", () => {
  expect(newPart("", "a")).toBe("a");
  expect(newPart("one\n", "one\ntwo\n")).toBe("two\n");
  expect(newPart("one\ntwo\n", "one\ntwo\n")).toBe("");
  const scrolled = `${"x".repeat(1000)}end\n`;
  expect(newPart(scrolled, `${scrolled.slice(500)}more\n`)).toBe("more\n");
  expect(newPart("another life\n", "one\n")).toBe("one\n");
});
