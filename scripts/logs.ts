import { parseArgs, styleText } from "node:util";
import { type LogFilter, type LogLine, logLinesOf, matches, mergeByTime } from "../operations/log-lines.ts";
import type { MachineStatus, Machines } from "../operations/machines.ts";
import { localStack } from "./backend.ts";
import { secondsOf } from "./files.ts";
import { openMachines } from "./machines.ts";
import { type Context, runMain } from "./process.ts";

const usage = `Usage: npm run logs [-- [MACHINE | CLUSTER]… FLAGS]

Shows what machines wrote, by its time: of those that are named, or of all. On a terminal a line each, in local time;
elsewhere a JSON object each.

  --since AGE       nothing older, such as 90s, 10m, 2h or 1d
  --request ID      what is about one request (x-request-id), on whichever machines
  --follow, -f      goes on with what is written from now
  --raw             one machine's log as it is
  --stack, -s NAME  which stack; default: ${localStack}
  --help, -h        this`;

export interface LogsRequest extends LogFilter {
  /** Machines' ids and clusters' names; none: all. */
  readonly names: readonly string[];
  readonly follow: boolean;
  readonly raw: boolean;
  readonly stack: string;
}

/** Reads a command line. @param now in milliseconds since 1970 */
export function parseLogsRequest(args: readonly string[], now: number): LogsRequest {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      since: { type: "string" },
      request: { type: "string" },
      follow: { type: "boolean", short: "f", default: false },
      raw: { type: "boolean", default: false },
      stack: { type: "string", short: "s", default: localStack },
    },
  });
  const { since, request: requestId, follow, raw, stack } = values;
  if (raw && (positionals.length !== 1 || since !== undefined || requestId !== undefined)) {
    throw new Error("--raw shows the log of one machine as it is: name one, without --since and --request");
  }
  const age = since === undefined ? undefined : secondsOf(since, "--since") * 1000;
  return { names: positionals, since: age && now - age, requestId, follow, raw, stack };
}

/** The machines that are meant by their ids or clusters; one that is not there any more may have left its log. */
export function chosen(machines: readonly MachineStatus[], names: readonly string[]): MachineStatus[] {
  if (names.length === 0) return [...machines];
  const isOf = (name: string) => (machine: MachineStatus) => machine.id === name || machine.cluster === name;
  const gone = names.filter((name) => !machines.some(isOf(name)));
  return [
    ...machines.filter((machine) => names.some((name) => isOf(name)(machine))),
    ...gone.map((id) => ({ ...noLonger, id })),
  ];
}

const noLonger = { cluster: "gone", address: "", health: "", release: "", launchedAt: new Date(0) };

const colors = { warn: "yellow", error: "red", fatal: "red", debug: "gray", trace: "gray" } as const;

/** A line for a person, in local time. */
export function formatLogLine(line: LogLine, color: boolean): string {
  const { machine, cluster, time, level = "", text, fields, requestId } = line;
  const local = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
  const clock = local.toISOString().slice(0, -1).replace("T", " ");
  const { method, url, status, ms, ...others } = fields;
  const isRequest = text === "request" && status !== undefined;
  const words = [
    isRequest ? `${method} ${url} ${status} ${ms} ms` : text,
    ...Object.entries(isRequest ? others : fields).map(([key, value]) => wordOf(key, value)),
  ];
  if (requestId !== undefined) words.splice(1, 0, `request ${requestId}`);
  const start = `${clock} ${cluster}/${machine}`;
  const said = `${level.toUpperCase().padEnd(5)} ${words
    .filter((word) => word !== "")
    .join("  ")
    .replaceAll("  \n", "\n")}`;
  if (!color) return `${start} ${said}`;
  const style = Object.hasOwn(colors, level) ? colors[level as keyof typeof colors] : undefined;
  return `${styleText("dim", start, { validateStream: false })} ${style ? styleText(style, said, { validateStream: false }) : said}`;
}

/** A stack trace on lines of its own, all else as `key=value`. */
function wordOf(key: string, value: unknown): string {
  const stack = value && typeof value === "object" && "stack" in value ? value.stack : undefined;
  if (typeof stack === "string") return `\n${stack.replaceAll(/^/gm, "    ")}`;
  return `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`;
}

/** A line for a program. */
export function jsonLogLine({ machine, cluster, time, level, requestId, text, fields }: LogLine): string {
  return JSON.stringify({
    time: new Date(time).toISOString(),
    cluster,
    machine,
    level,
    requestId,
    msg: text,
    ...fields,
  });
}

/** How long nothing must have come before what came is shown, in milliseconds: a fifth of a followed log's pause. */
const quietMs = 50;

/** Shows the logs that are asked for. @param write is given whole lines */
export async function showLogs(
  machines: Machines,
  request: LogsRequest,
  { signal }: Pick<Context, "signal">,
  format: (line: LogLine) => string,
  write: (text: string) => void,
): Promise<void> {
  const { names, follow, raw } = request;
  if (raw) {
    for await (const text of machines.logs(`${names[0]}`, { follow, signal })) write(text);
    return;
  }
  const meant = chosen(await machines.list(), names);
  const logs = meant.map((machine) => logLinesOf(machine, machines.logs(machine.id, { follow, signal })));
  await mergeByTime(logs, follow ? quietMs : undefined, (lines) => {
    const wanted = lines.filter((line) => matches(line, request));
    if (wanted.length > 0) write(`${wanted.map(format).join("\n")}\n`);
  });
}

async function main(context: Context): Promise<number> {
  const request = parseLogsRequest(process.argv.slice(2), Date.now());
  const machines = await openMachines(context, request.stack);
  const { stdout } = process;
  const color = stdout.isTTY && stdout.hasColors();
  const format = stdout.isTTY ? (line: LogLine) => formatLogLine(line, color) : jsonLogLine;
  await showLogs(machines, request, context, format, (text) => void stdout.write(text));
  return 0;
}

if (import.meta.main) await runMain(usage, main);
