import { appendFile, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { follow } from "../../operations/follow.ts";
import type { MachineStatus, Machines } from "../../operations/machines.ts";
import { noSuchMachine } from "../../operations/machines.ts";
import { tailOf } from "../../providers/local/machines.ts";
import { formatLogLine, jsonLogLine, parseLogsRequest, showLogs } from "../../scripts/logs.ts";

const start = Date.parse("2026-11-27T08:00:00Z");
const app = (seconds: number, msg: string, more: object = {}) =>
  `${JSON.stringify({ level: 30, time: start + seconds * 1000, instance: "m-a", cluster: "web", release: "0123", msg, ...more })}\n`;

/** Machines whose logs are files that tests write to. */
async function machinesWith(logs: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-logs-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [id, text] of Object.entries(logs)) await writeFile(join(folder, id), text);
  const machines: Machines = {
    list: async () =>
      Object.keys(logs)
        .filter((id) => id !== "old")
        .map((id): MachineStatus => {
          const cluster = id.startsWith("web") ? "web" : "api";
          return {
            cluster,
            id,
            address: "",
            health: "healthy",
            release: "0123",
            launchedAt: new Date(start),
          };
        }),
    async *logs(id, options) {
      if (!(id in logs)) throw noSuchMachine("local", id, Object.keys(logs));
      const handle = await open(join(folder, id), "r");
      try {
        yield* follow(tailOf(handle), 20, options);
      } finally {
        await handle.close();
      }
    },
  };
  return { machines, append: (id: string, text: string) => appendFile(join(folder, id), text) };
}

async function shown(machines: Machines, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  const signal = AbortSignal.timeout(10_000);
  await showLogs(
    machines,
    parseLogsRequest(args, start + 60_000),
    { signal },
    ({ machine, text }) => `${machine} ${text}`,
    (text) => void lines.push(...text.trimEnd().split("\n")),
  );
  return lines;
}

describe("npm run logs", () => {
  const logs = {
    "web-1": `booting\n${app(1, "one")}${app(30, "four", { requestId: "r7" })}cut {"level":30,"ti`,
    "web-2": app(2, "two"),
    "api-1": `[   12.3] switchyard[7]: ${app(3, "three", { requestId: "r7" })}said after it\n`,
    old: app(0, "long ago"),
  };

  test("merges the lines of all machines by their times, with what consoles say between them", async () => {
    const { machines } = await machinesWith(logs);
    expect(await shown(machines)).toEqual([
      "web-1 booting",
      "web-1 one",
      "web-2 two",
      "api-1 three",
      "api-1 said after it",
      "web-1 four",
      'web-1 cut {"level":30,"ti',
    ]);
  });

  test("shows a cluster, a machine that is gone, what is new, or what is about a request", async () => {
    const { machines } = await machinesWith(logs);
    expect(await shown(machines, "api")).toEqual(["api-1 three", "api-1 said after it"]);
    expect(await shown(machines, "old", "web-2")).toEqual(["old long ago", "web-2 two"]);
    expect(await shown(machines, "web", "--since", "45s")).toEqual([
      "web-1 four",
      'web-1 cut {"level":30,"ti',
    ]);
    expect(await shown(machines, "--request", "r7")).toEqual(["api-1 three", "web-1 four"]);
    await expect(shown(machines, "nobody")).rejects.toThrow("there is no machine nobody in stack local");
  });

  test("goes on with what comes in, in order, until it is stopped", async () => {
    const { machines, append } = await machinesWith({ "web-1": app(1, "one"), "web-2": app(2, "two") });
    const controller = new AbortController();
    const lines: string[] = [];
    const request = parseLogsRequest(["--follow"], start);
    const write = (text: string) => void lines.push(...text.trimEnd().split("\n"));
    const ended = showLogs(machines, request, controller, ({ text }) => text, write);
    await vi.waitFor(() => expect(lines).toEqual(["one", "two"]));
    await append("web-2", app(4, "four"));
    await append("web-1", app(3, "three"));
    await vi.waitFor(() => expect(lines.slice(2).sort()).toEqual(["four", "three"]));
    controller.abort();
    await ended;
  });

  test("leaves one machine's log as it is, when asked", async () => {
    const { machines } = await machinesWith(logs);
    const pieces: string[] = [];
    const request = parseLogsRequest(["web-1", "--raw"], start);
    await showLogs(
      machines,
      request,
      { signal: AbortSignal.timeout(10_000) },
      jsonLogLine,
      (text) => void pieces.push(text),
    );
    expect(pieces.join("")).toBe(logs["web-1"]);
    expect(() => parseLogsRequest(["--raw"], start)).toThrow(
      "--raw shows the log of one machine as it is: name one",
    );
  });
});

test("a line is words for a person, and an object for a program", () => {
  const line = {
    machine: "web-1",
    cluster: "web",
    time: new Date(2026, 10, 27, 9, 5, 3, 7).getTime(),
    level: "error",
    requestId: "r7",
    text: "request failed",
    fields: { status: 500, err: { message: "no", stack: "Error: no\n    at here" } },
  };
  expect(formatLogLine(line, false)).toBe(
    "2026-11-27 09:05:03.007 web/web-1 ERROR request failed  request r7  status=500\n    Error: no\n        at here",
  );
  const request = {
    ...line,
    level: "info",
    text: "request",
    fields: { method: "GET", url: "/", status: 200, ms: 0.5 },
  };
  expect(formatLogLine(request, false)).toMatch(/ INFO {2}GET \/ 200 0.5 ms {2}request r7$/);
  expect(formatLogLine(line, true)).toContain("\u001b[31mERROR");
  expect(JSON.parse(jsonLogLine(line))).toMatchObject({
    machine: "web-1",
    msg: "request failed",
    status: 500,
  });
});

test.each(["yesterday", "0s", "8d"])("an age such as %s is refused", (since) => {
  expect(() => parseLogsRequest(["--since", since], start)).toThrow(
    `--since ${since}: it must be a duration`,
  );
});
