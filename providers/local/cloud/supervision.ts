import { spawn } from "node:child_process";
import { fstatSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Logger } from "pino";
import { lockOf } from "./home.ts";

/** How often the supervisor hears of the control plane, in milliseconds. */
const beatMs = 1_000;

/** How long the supervisor waits for that before it kills the control plane, in seconds: as long as a busy host may take. */
export const patienceSeconds = 10;

/** Descriptors that the control plane is started with (supervise.sh). */
export const lockDescriptor = 3;
const beatDescriptor = 4;

/** The command that supervises a control plane; descriptors as supervise.sh has them. */
export function supervisorCommand(mode: "run" | "adopt", home: string, command: readonly string[]): string[] {
  const script = join(import.meta.dirname, "supervise.sh");
  return ["bash", script, mode, lockOf(home), String(patienceSeconds), ...command];
}

/** @throws when this process does not hold the lock of `home`, without which it must touch nothing there */
export function assertLocked(home: string): void {
  const lock = lockOf(home);
  const inode = statSync(lock, { throwIfNoEntry: false })?.ino;
  if (fstatSync(lockDescriptor).ino === inode) return;
  throw new Error(
    `descriptor ${lockDescriptor} is not ${lock}: a control plane is started by supervise.sh, which holds that for it`,
  );
}

/** Tells the supervisor that this control plane lives, and finds itself another when that is gone. */
export class Supervision {
  readonly #home: string;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #beats: Socket | undefined;
  #ended = false;

  /** @param inherited whether a supervisor started this process */
  constructor(home: string, log: Logger, inherited: boolean) {
    this.#home = home;
    this.#log = log;
    if (inherited) this.#use(new Socket({ fd: beatDescriptor, readable: false, writable: true }));
    else this.#adopt();
    this.#timer = setInterval(() => this.#beat(), beatMs);
  }

  /** The supervisor must not start another when this process ends. */
  async end(): Promise<void> {
    this.#ended = true;
    clearInterval(this.#timer);
    await new Promise<void>((resolve) => {
      if (!this.#beats?.writable) return resolve();
      this.#beats.once("close", resolve);
      this.#beats.end("end\n", () => this.#beats?.destroy());
    });
  }

  #use(beats: Socket): void {
    this.#beats = beats;
    beats.on("error", (err) => this.#log.warn({ err }, "the supervisor is gone"));
    beats.once("close", () => this.#adopt());
    beats.resume();
    this.#beat();
  }

  /** Writes nothing on top of what a stopped supervisor has not read yet. */
  #beat(): void {
    if (this.#beats?.writable && this.#beats.writableLength === 0) this.#beats.write(`${process.pid}\n`);
  }

  #adopt(): void {
    if (this.#ended) return;
    const own = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
    const [shell = "", ...args] = supervisorCommand("adopt", this.#home, own);
    const child = spawn(shell, args, {
      cwd: this.#home,
      detached: true,
      stdio: ["ignore", 1, 2, lockDescriptor, "ignore", "pipe"],
    });
    child.once("error", (err) => this.#log.error({ err }, "no supervisor can be started"));
    const beats = (child.stdio as unknown as readonly Socket[] | undefined)?.[5];
    if (beats === undefined) {
      setTimeout(() => this.#adopt(), beatMs).unref();
      return;
    }
    child.unref();
    this.#use(beats);
  }
}
