import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { withSpareFile } from "./open-files.ts";

/** A process that may outlive whoever started it. */
export interface ProcessRef {
  readonly pid: number;
  readonly processStart: string;
}

/**
 * When a process started, as the kernel tells it, or undefined when there is none (a zombie counts as none). With the
 * process id it names one process for as long as the machine is up.
 */
export function processStart(pid: number): string | undefined {
  if (process.platform !== "linux") {
    try {
      const start = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
      return start === "" ? undefined : start;
    } catch {
      return undefined; // ps exits with 1 when there is no such process
    }
  }
  try {
    const fields = statOf(pid);
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/**
 * What a process has used of the processors since it started, in seconds; undefined when there is no such one any more.
 * The kernel counts in hundredths (USER_HZ, which programs see as 100 everywhere).
 */
export function processorSeconds(ref: ProcessRef): number | undefined {
  if (!isAlive(ref)) return undefined;
  try {
    if (process.platform !== "linux") {
      const time = execFileSync("ps", ["-o", "time=", "-p", String(ref.pid)], { encoding: "utf8" }).trim();
      return time.split(/[-:]/).reduce((sum, part) => sum * 60 + Number(part), 0);
    }
    const [, , , , , , , , , , , user, system] = statOf(ref.pid);
    return (Number(user) + Number(system)) / 100;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** The fields of proc_pid_stat(5) from the third: the second, the command's name, is in parentheses and may hold anything. */
function statOf(pid: number): string[] {
  const stat = withSpareFile(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function isGone(error: unknown): boolean {
  return ["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** Whether the very process that was started is still there. */
export function isAlive(ref: ProcessRef): boolean {
  return processStart(ref.pid) === ref.processStart;
}

/** Signals the process and everything it started, if it is still there. */
export function signalProcess(ref: ProcessRef, signal: NodeJS.Signals): void {
  if (!isAlive(ref)) return;
  try {
    process.kill(-ref.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

export interface LaunchOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where its output is appended to. */
  readonly logFile: string;
  /** Called when it ends, as long as this process lives. */
  readonly onExit?: () => void;
}

/**
 * Starts a process in a session of its own, so that it outlives this one.
 *
 * @throws when it cannot be started, naming the command
 */
export async function launch(options: LaunchOptions): Promise<ProcessRef> {
  const log = openSync(options.logFile, "a", 0o600);
  try {
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ["ignore", log, log],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) =>
        reject(new Error(`cannot start ${options.command}: ${error.message}`, { cause: error })),
      );
    });
    if (options.onExit) child.once("exit", options.onExit);
    child.unref();
    const pid = child.pid as number;
    return { pid, processStart: processStart(pid) ?? "exited at once" };
  } finally {
    closeSync(log);
  }
}
