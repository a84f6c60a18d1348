import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { linkFolder } from "./link-folder.ts";
import { openFilesLimit } from "./open-files.ts";
import { isAlive, launch, type ProcessRef, signalProcess } from "./process.ts";
import type { GroupSpec } from "./specs.ts";
import type { MachineRecord, Revision } from "./store.ts";

/** How many logs of machines that are gone are kept. */
const keptLogs = 20;

/** How much longer than its drain a machine may take to end before it is killed, in milliseconds. */
const exitGraceMs = 2_000;

/** The revision that a group's present spec asks for. */
export function revisionOf(spec: GroupSpec): Revision {
  const { startupScript, machineType, release, port, image } = spec;
  const ofImage = image === undefined ? [] : [image];
  const id = createHash("sha256")
    .update(JSON.stringify([startupScript, machineType, port, ...ofImage]))
    .digest("hex")
    .slice(0, 12);
  return { id, startupScript, machineType, release, port, ...(image !== undefined && { image }) };
}

/** Makes a folder unless it is there, but never the one that it is in: a home that was deleted stays so. */
function makeFolder(folder: string): void {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
}

/** The folders below the control plane's home that machines use. */
export class MachineFolders {
  readonly home: string;

  constructor(home: string) {
    this.home = home;
  }

  /** Where all machines have theirs. */
  get all(): string {
    return join(this.home, "machines");
  }

  /** A machine's own folder. */
  of(id: string): string {
    return join(this.all, id);
  }

  /** The log of a machine: beside it while it lives, then among the last logs. */
  logOf(id: string): string {
    return join(this.of(id), "log");
  }

  /** The startup script that a machine was started with. */
  scriptOf(id: string): string {
    return join(this.of(id), "startup.sh");
  }

  /** Where a machine keeps what it runs: on a disk of its own if it was made of an image, else on one that all share. */
  diskOf(id: string): string {
    const own = join(this.of(id), "disk");
    return existsSync(own) ? own : this.home;
  }

  imageOf(id: string): string {
    return join(this.home, "images", id);
  }

  archivedLogOf(id: string): string {
    return join(this.home, "logs", `${id}.log`);
  }

  /** Removes what a machine leaves behind, but keeps its log for a while. */
  remove(id: string): void {
    const logs = join(this.home, "logs");
    if (!existsSync(this.home)) return;
    makeFolder(logs);
    try {
      renameSync(this.logOf(id), this.archivedLogOf(id));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    rmSync(this.of(id), { recursive: true, force: true });
    const byAge = readdirSync(logs)
      .map((name) => join(logs, name))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    for (const old of byAge.slice(keptLogs)) rmSync(old, { force: true });
  }
}

/** How much of the end of a log is looked at for its last lines, in bytes. */
const logEnd = 64 * 1024;

/** The last lines of a file; none when there is no such file. */
export async function lastLines(file: string, count: number): Promise<string[]> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, logEnd);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("utf8").trimEnd().split("\n").slice(-count);
  } finally {
    await handle.close();
  }
}

/** How many log lines of a failing machine are quoted, and how many characters of each. */
const quotedLines = 20;
const lineLength = 300;

function shorten(line: string): string {
  return line.length > lineLength ? `${line.slice(0, lineLength)}…` : line;
}

/** Less free space than this, in bytes, explains why things fail. */
const fullDisk = 1024 * 1024;

/** What is to be said of a machine that has failed and is gone: the end of its log, and whether the disk is full. */
export async function lastWords(folders: MachineFolders, id: string): Promise<string[]> {
  const { bavail, bsize } = statfsSync(folders.home);
  const full = bavail * bsize < fullDisk ? [`the disk that holds ${folders.home} is full;`] : [];
  const lines = (await lastLines(folders.archivedLogOf(id), quotedLines)).map(shorten);
  return [...full, "its last log lines:", ...lines];
}

/**
 * How many files a machine's startup script may have open: what systemd gives services on real machines, and not what
 * this process happens to have. The app's Node.js raises it to the hard limit, here as there.
 */
const machineOpenFiles = Math.min(1024, openFilesLimit());

export interface StartMachine {
  readonly group: string;
  readonly revision: Revision;
  readonly address: string;
  readonly folders: MachineFolders;
  /** Where the identity endpoint listens, without a path. */
  readonly endpoint: string;
  /** How many machines before it were lost and replaced, one by the other. */
  readonly restarts: number;
  /** Called when it ends, as long as this process lives. */
  readonly onExit: () => void;
}

async function begin(id: string, identityUrl: string, options: StartMachine): Promise<ProcessRef> {
  const { revision, address, folders, onExit } = options;
  const cwd = folders.of(id);
  const script = folders.scriptOf(id);
  for (const folder of [folders.all, cwd, join(cwd, "tmp")]) makeFolder(folder);
  if (revision.image !== undefined) linkFolder(folders.imageOf(revision.image), join(cwd, "disk"));
  writeFileSync(script, revision.startupScript, { mode: 0o700 });
  return launch({
    command: "bash",
    args: ["-c", 'ulimit -Sn "$0" && exec bash "$1"', String(machineOpenFiles), script],
    cwd,
    env: {
      PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
      LANG: "C.UTF-8",
      HOME: cwd,
      TMPDIR: join(cwd, "tmp"),
      HOST: address,
      SWITCHYARD_HOME: folders.diskOf(id),
      SWITCHYARD_IDENTITY_URL: identityUrl,
    },
    logFile: folders.logOf(id),
    onExit,
  });
}

/** Starts a machine: a process of its own that runs the startup script, and becomes the app. */
export async function startMachine(options: StartMachine): Promise<MachineRecord> {
  const { group, revision, address, folders, endpoint } = options;
  const id = `m-${randomBytes(6).toString("hex")}`;
  const token = randomBytes(24).toString("base64url");
  const url = `${endpoint}/machines/${token}`;
  const ref = await begin(id, url, options).catch((error: unknown) => {
    rmSync(folders.of(id), { recursive: true, force: true });
    throw error;
  });
  return {
    id,
    group,
    address,
    port: revision.port,
    machineType: revision.machineType,
    revision: revision.id,
    release: revision.release,
    restarts: options.restarts,
    token,
    launchedAt: new Date().toISOString(),
    ...ref,
    state: "starting",
  };
}

/** Resolves once the process is gone, or after `ms`; says whether it is gone. */
async function ended(machine: MachineRecord, ms: number): Promise<boolean> {
  for (const deadline = performance.now() + ms; performance.now() < deadline; ) {
    if (!isAlive(machine)) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return !isAlive(machine);
}

/** Ends a machine: it may finish what it does for `drainSeconds`, then it is killed. Says whether it ended by itself. */
export async function stopMachine(machine: MachineRecord, drainSeconds: number): Promise<boolean> {
  signalProcess(machine, "SIGTERM");
  if (await ended(machine, drainSeconds * 1000 + exitGraceMs)) return true;
  signalProcess(machine, "SIGKILL");
  if (!(await ended(machine, 10_000)))
    throw new Error(`machine ${machine.id} (process ${machine.pid}) cannot be killed`);
  return false;
}
