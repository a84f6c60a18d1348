import {
  appendFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { trimLogs } from "../../../providers/local/cloud/logs.ts";
import { temporaryFolder } from "../../support/local-cloud.ts";

const line = `${"x".repeat(1023)}\n`;

test("a long log keeps its last whole lines, and its writer goes on behind them", () => {
  const home = temporaryFolder();
  mkdirSync(join(home, "machines/m-1"), { recursive: true });
  const log = join(home, "machines/m-1/log");
  const writer = openSync(log, "a");
  writeSync(writer, line.repeat(33 * 1024));
  writeSync(writer, "the last line\n");
  trimLogs(home);
  writeSync(writer, "after it\n");
  const text = readFileSync(log, "utf8");
  expect(text.length).toBeLessThanOrEqual(1024 * 1024 + 10);
  expect(text.endsWith(`${line}the last line\nafter it\n`)).toBe(true);
  expect(text.slice(0, line.length)).toBe(line);
});

test("other logs, and a cloud without machines, are left alone", () => {
  const home = temporaryFolder();
  trimLogs(home);
  const log = join(home, "control-plane.log");
  writeFileSync(log, line);
  appendFileSync(log, line);
  trimLogs(home);
  expect(statSync(log).size).toBe(2 * line.length);
});
