import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { environment } from "./environment.ts";

/** A running app: the process, and what it has logged. */
export interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  /** Resolves with the first log line that matches, past or future; rejects when the process ends without one. */
  logged(pattern: RegExp): Promise<string>;
  /** Resolves with its exit code. */
  readonly exited: Promise<number | null>;
}

/** Starts a module of the app in a process of its own, with nothing from this process's environment. */
export function spawnApp(
  module: string,
  variables: Record<string, string> = {},
  cwd?: string,
  stdout: "pipe" | number = "pipe",
) {
  const child = fork(module, {
    env: { ...environment, ...variables },
    execArgv: [],
    stdio: ["ignore", stdout, "pipe", "ipc"],
    ...(cwd && { cwd }),
  });
  let errors = "";
  child.stderr?.on("data", (data) => {
    errors += data;
  });
  const exited = once(child, "close").then(([code]): number | null => code);
  return { child, exited, errors: () => errors };
}

/** Starts a module of the app and waits until it listens. */
export async function startApp(
  module: string,
  variables?: Record<string, string>,
  cwd?: string,
): Promise<Running> {
  const { child, exited, errors } = spawnApp(module, variables, cwd);
  const lines: string[] = [];
  if (!child.stdout) throw new Error("the process has no stdout");
  const output = createInterface(child.stdout).on("line", (line) => lines.push(line));
  const logged = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = (line: string) => pattern.test(line) && resolve(line);
      lines.forEach(look);
      output.on("line", look);
      output.on("close", () => reject(new Error(`no line ${pattern} in:\n${lines.join("\n")}\n${errors()}`)));
    });
  const line = await logged(/Server listening at/);
  return { child, exited, logged, port: Number(/:(\d+)"/.exec(line)?.[1]) };
}

/** Opens a connection, sends one `GET` that asks to keep it open, and leaves reading to the caller. */
export async function openConnection(port: number, path: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  await once(socket, "connect");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n`);
  return socket;
}

/** Reads until the other side closes the connection. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = "";
  for await (const part of socket) text += part;
  return text;
}
