import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { droppedLine, logLines } from "../../service/log-lines.ts";
import { smallDisk } from "../support/small-disk.ts";

test("writes lines to the end of a file, at once", () => {
  const folder = mkdtempSync(join(tmpdir(), "log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "log");
  const descriptor = openSync(file, "a");
  onTestFinished(() => closeSync(descriptor));
  const log = logLines(descriptor, () => "never");
  log.write("one\n");
  expect(readFileSync(file, "utf8")).toBe("one\n");
  log.write("two\n");
  expect(readFileSync(file, "utf8")).toBe("one\ntwo\n");
});

test("drops lines while the disk is full, says how many, and goes on in a line of its own", (context) => {
  const disk = smallDisk(1, context);
  const file = join(disk.folder, "log");
  const descriptor = openSync(file, "a");
  onTestFinished(() => closeSync(descriptor));
  const log = logLines(descriptor, droppedLine({ pid: 7 }));
  log.write("before\n");
  disk.fill();
  for (let count = 0; count < 2000; count += 1) log.write(`${"x".repeat(100)}\n`);
  disk.free();
  log.write("after\n");
  log.write("and on\n");
  const [first, ...rest] = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(first).toBe("before");
  const whole = rest.filter((line) => line === "x".repeat(100)).length;
  expect(rest.slice(-2)).toEqual(["after", "and on"]);
  const { msg, pid } = JSON.parse(rest.at(-3) ?? "");
  expect([pid, msg]).toEqual([7, `${2000 - whole} log lines were dropped: the disk was full`]);
});
