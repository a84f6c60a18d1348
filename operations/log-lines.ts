import type { MachineStatus } from "./machines.ts";

/** A line of a machine's log: the app's own, which are JSON, and what else a console shows. */
export interface LogLine {
  readonly machine: string;
  readonly cluster: string;
  /** When it was written, in milliseconds since 1970; of a line that does not say, when the one before it was. */
  readonly time: number;
  /** `error`, `warn` and so on; absent of lines that have none. */
  readonly level?: string;
  /** Whose request it is about: what the app answers as `x-request-id`. */
  readonly requestId?: string;
  readonly text: string;
  /** What the line says besides. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Which lines are wanted; all, where nothing is said. */
export interface LogFilter {
  /** None that is older, in milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly requestId?: string | undefined;
}

/** As pino numbers them. */
const levels: Readonly<Record<number, string>> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};

/** What every line of the app says, and each line of a listing says already. */
const known = ["level", "time", "msg", "requestId", "instance", "cluster", "release", "pid", "hostname"];

/** Reads a line; a cloud's console may have put its own words before the app's. */
export function readLogLine(machine: MachineStatus, text: string, before: number): LogLine {
  const whose = { machine: machine.id, cluster: machine.cluster };
  const json = jsonIn(text);
  if (!json) return { ...whose, time: before, text, fields: {} };
  const { level, time, msg, requestId } = json;
  const fields = Object.fromEntries(Object.entries(json).filter(([key]) => !known.includes(key)));
  return {
    ...whose,
    time: typeof time === "number" ? time : before,
    ...(typeof level === "number" && { level: levels[level] ?? `${level}` }),
    ...(typeof requestId === "string" && { requestId }),
    text: typeof msg === "string" ? msg : "",
    fields,
  };
}

function jsonIn(text: string): Record<string, unknown> | undefined {
  const start = text.indexOf('{"level":');
  if (start < 0) return undefined;
  try {
    return JSON.parse(text.slice(start));
  } catch {
    return undefined; // cut off, by a console that scrolled or a disk that was full
  }
}

/** The lines of a log that comes in pieces. */
export async function* logLinesOf(
  machine: MachineStatus,
  pieces: AsyncIterable<string>,
): AsyncGenerator<LogLine, void, undefined> {
  let rest = "";
  let time = machine.launchedAt.getTime();
  const read = (text: string) => {
    const line = readLogLine(machine, text, time);
    ({ time } = line);
    return line;
  };
  for await (const piece of pieces) {
    const lines = (rest + piece).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield read(line);
  }
  if (rest.trim() !== "") yield read(rest);
}

/** Whether a line is wanted. */
export function matches({ time, requestId }: LogLine, filter: LogFilter): boolean {
  if (filter.since !== undefined && time < filter.since) return false;
  return filter.requestId === undefined || requestId === filter.requestId;
}

/**
 * The lines of several logs by their times. Of logs that go on, those that came in while nothing had come for a moment:
 * so that what is there already is in order, and what is new is not held back.
 *
 * @param quietMs how long that moment is, in milliseconds; undefined: until all have ended
 * @param show is given each batch of lines, in order
 * @throws what one of the logs ends with, after the others' lines
 */
export async function mergeByTime(
  logs: readonly AsyncIterable<LogLine>[],
  quietMs: number | undefined,
  show: (lines: readonly LogLine[]) => void,
): Promise<void> {
  let waiting: LogLine[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    const lines = waiting.sort((one, other) => one.time - other.time);
    waiting = [];
    if (lines.length > 0) show(lines);
  };
  const outcomes = await Promise.allSettled(
    logs.map(async (log) => {
      for await (const line of log) {
        waiting.push(line);
        clearTimeout(timer);
        if (quietMs !== undefined) timer = setTimeout(flush, quietMs);
      }
    }),
  );
  clearTimeout(timer);
  flush();
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
}
