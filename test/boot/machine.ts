import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** In milliseconds: far more than a boot takes, so that only what hangs is given up. */
const limits = { boot: 90_000, stop: 60_000 };

/** The two ends of the only cable there is, between a machine and its cloud. */
export const network = { machine: "10.0.1.11", cloud: "10.0.1.1" };

/** What a cloud has around its machines, as a program in a network of its own, which ends at the machine's. */
export interface CloudServices {
  /** A TypeScript module that calls `serve` of services.ts. */
  readonly module: string;
  /** What it is called with; must survive JSON. */
  readonly input: unknown;
  /** Addresses that it has, beside `network.cloud`. */
  readonly addresses: readonly string[];
  /** Names by which a machine finds it, at `network.cloud`. */
  readonly names: readonly string[];
}

/** Files of the disk by which a cloud hands a machine its id and its user data. */
export type Seed = (instanceId: string, userData: string) => Readonly<Record<string, string>>;

export interface Boot {
  readonly instanceId: string;
  /** The script, as the cloud hands it to cloud-init. */
  readonly userData: string;
  /** Default: as cloud-init's data source NoCloud has it. */
  readonly seed?: Seed | undefined;
  readonly services: CloudServices;
}

/** A disk, and what is booted from it: real systemd and cloud-init, in a network with nobody but the cloud's stand-ins. */
export interface Machine {
  /** Where its disk is out here. */
  readonly root: string;
  /** Boots, and waits for cloud-init to end; the disk is as the last boot left it. */
  boot(boot: Boot): Promise<void>;
  /** Boots, and waits for the machine to switch itself off. */
  bootUntilOff(boot: Boot): Promise<void>;
  /** Files that were written over the image, by their paths without a leading slash, and where they are out here. */
  written(): Promise<Map<string, string>>;
  /** What cloud-init wrote when it ended, in one line. */
  cloudInit(): Promise<string>;
  /** What user data has written, in all boots. */
  output(): Promise<string>;
  /** Runs a command inside, and gives what it printed. */
  run(command: string, ...args: string[]): Promise<string>;
  /** Asks the app for a path, from the cloud's end; undefined while nobody answers. */
  get(port: number, path: string): Promise<Answer | undefined>;
  /** Events of the cloud's services since the last boot. */
  readonly events: Record<string, unknown>[];
  shutDown(): Promise<void>;
  /** Shuts down, and throws the disk away. */
  remove(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A new disk with an image on it, and these files more. */
export async function createMachine(
  image: string,
  files: Readonly<Record<string, string>>,
): Promise<Machine> {
  const { root, upper, discard } = await createDisk(image);
  for (const [path, text] of Object.entries(files)) await writeInto(root, path, text);
  let running: Running | undefined;
  const events: Record<string, unknown>[] = [];
  const inside = async (command: string, ...args: string[]) => {
    if (!running) throw new Error("the machine is not running");
    return await execute("nsenter", ["-t", String(running.leader), "-a", command, ...args]);
  };
  async function switchOn({ instanceId, userData, seed = noCloud, services }: Boot): Promise<Running> {
    events.length = 0;
    for (const [path, text] of Object.entries(seed(instanceId, userData)))
      await writeInto(root, `/var/lib/cloud/seed/${path}`, text);
    await writeInto(root, "/etc/hosts", hosts(services.names));
    running = await start(root, services, events);
    return running;
  }
  const machine: Machine = {
    root,
    events,
    boot: async (boot) => {
      await switchOn(boot);
      await until("cloud-init to end", async () => /^status: (done|error)/.test(await machine.cloudInit()));
    },
    bootUntilOff: async (boot) => {
      const { isOff } = await switchOn(boot);
      await until("the machine to switch itself off", async () => isOff());
      await machine.shutDown();
    },
    written: async () => {
      const entries = await readdir(upper, { recursive: true, withFileTypes: true });
      const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      return new Map(files.map((file) => [relative(upper, file), file]));
    },
    cloudInit: async () => {
      const { stdout } = await inside("cloud-init", "status", "--long").catch((error) => error);
      return String(stdout).trim().replaceAll("\n", " ");
    },
    output: () => readFile(join(root, "var/log/cloud-init-output.log"), "utf8"),
    run: async (command, ...args) => (await inside(command, ...args)).stdout.trim(),
    get: async (port, path) => (running ? await ask(running.cloud, port, path) : undefined),
    shutDown: async () => {
      await running?.stop();
      running = undefined;
    },
    remove: async () => {
      await machine.shutDown();
      await discard();
    },
  };
  return machine;
}

/** What is written over the image is kept in memory, because overlays do not stack everywhere. */
async function createDisk(image: string): Promise<{ root: string; upper: string; discard(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "boot-"));
  await execute("mount", ["-t", "tmpfs", "-o", "mode=755,size=2g", "tmpfs", folder]);
  for (const name of ["root", "upper", "work"]) await mkdir(join(folder, name));
  const root = join(folder, "root");
  const upper = join(folder, "upper");
  const layers = `lowerdir=${image},upperdir=${upper},workdir=${join(folder, "work")}`;
  await execute("mount", ["-t", "overlay", "-o", layers, "overlay", root]);
  const discard = async () => {
    await execute("umount", [root]);
    await execute("umount", [folder]);
    await rm(folder, { recursive: true });
  };
  return { root, upper, discard };
}

const noCloud: Seed = (instanceId, userData) => ({
  "nocloud/meta-data": `instance-id: ${instanceId}\nlocal-hostname: machine\n`,
  "nocloud/user-data": userData,
});

/** All names that there are; nobody answers questions for others, which then take 10 s. */
const hosts = (names: readonly string[]) =>
  `127.0.0.1 localhost\n127.0.1.1 machine\n${names.map((name) => `${network.cloud} ${name}\n`).join("")}`;

async function writeInto(root: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

interface Running {
  /** The id, out here, of the machine's process 1. */
  readonly leader: number;
  /** The id of the process of the cloud's services. */
  readonly cloud: number;
  isOff(): boolean;
  stop(): Promise<void>;
}

/** Never without `--private-network`: what runs inside reaches the cloud's stand-ins and nothing else. */
const nspawn = ["--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe"];

async function start(
  root: string,
  services: CloudServices,
  events: Record<string, unknown>[],
): Promise<Running> {
  const args = [...nspawn, "--resolv-conf=off", "--timezone=off", "--directory", root, "--boot"];
  const container = spawn("systemd-nspawn", args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [container.stdout, container.stderr]) stream.on("data", (text) => (output += text));
  const cloud = spawn("unshare", ["--net", process.execPath, services.module], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const stop = async () => {
    await end(container);
    await end(cloud);
  };
  try {
    const leader = await until("the container's first process", async () => {
      if (container.exitCode !== null) throw new Error(`systemd-nspawn has ended:\n${output}`);
      return await findLeader(container.pid ?? 0);
    });
    await connect(leader, cloud.pid ?? 0, services.addresses);
    await startServices(cloud, services, events);
    return { leader, cloud: cloud.pid ?? 0, isOff: () => container.exitCode !== null, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The child that is the container's process 1, once it is in a network of its own. */
async function findLeader(parent: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, "utf8");
  for (const pid of children.trim().split(" ").filter(Boolean)) {
    const network = await readlink(`/proc/${pid}/ns/net`).catch(() => undefined);
    if (network === undefined || network === (await readlink("/proc/self/ns/net"))) continue;
    const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
    if (name.trim() === "systemd") return Number(pid);
  }
  return undefined;
}

async function connect(machine: number, cloud: number, addresses: readonly string[]): Promise<void> {
  const ip = (pid: number, args: string) =>
    execute("nsenter", [`--net=/proc/${pid}/ns/net`, "ip", ...args.split(" ")]);
  await until("the cloud's own network", async () => {
    return (await readlink(`/proc/${cloud}/ns/net`)) !== (await readlink("/proc/self/ns/net"));
  });
  await ip(machine, `link add eth0 type veth peer name machine netns ${cloud}`);
  await ip(cloud, "link set lo up");
  await ip(cloud, "link set machine up");
  await ip(cloud, `address add ${network.cloud}/24 dev machine`);
  for (const address of addresses) await ip(cloud, `address add ${address}/32 dev lo`);
  await ip(machine, `address add ${network.machine}/24 dev eth0`);
  await ip(machine, "link set eth0 up");
  await ip(machine, `route add default via ${network.cloud}`);
}

/** Lets the services begin, and waits for them. */
async function startServices(
  child: ChildProcess,
  { module, input }: CloudServices,
  events: Record<string, unknown>[],
): Promise<void> {
  if (!child.stdin || !child.stdout) throw new Error(`${module} has no stdin or stdout`);
  const lines = createInterface(child.stdout);
  child.stdin.write(`${JSON.stringify(input)}\n`);
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${module} ended with exit status ${code}`)));
    lines.on("line", (line) => {
      if (line === "ready") resolve();
      else events.push(JSON.parse(line));
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM"); // to systemd-nspawn, it means an orderly shutdown
  const timer = setTimeout(() => child.kill("SIGKILL"), limits.stop);
  await exited;
  clearTimeout(timer);
}

async function ask(cloud: number, port: number, path: string): Promise<Answer | undefined> {
  const curl = ["curl", "--silent", "--noproxy", "*", "--max-time", "10", "--include"];
  const args = ["-t", String(cloud), "-n", ...curl, `http://${network.machine}:${port}${path}`];
  try {
    const { stdout } = await execute("nsenter", args);
    const [head = "", ...body] = stdout.split("\r\n\r\n");
    const [first = "", ...fields] = head.split("\r\n");
    const headers = new Headers(fields.map((field) => field.split(/:(.*)/, 2) as [string, string]));
    return { status: Number(first.split(" ")[1]), headers, body: body.join("\r\n\r\n") };
  } catch (error) {
    if ([7, 52, 56].includes((error as { code: number }).code)) return undefined; // refused, or hung up on
    throw error;
  }
}

/** Asks until the answer is neither undefined nor false, and gives it. */
export async function until<T>(what: string, check: () => Promise<T | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + limits.boot; Date.now() < deadline; await sleep(100)) {
    const result = await check();
    if (result !== undefined && result !== false) return result;
  }
  throw new Error(`waited ${limits.boot / 1000} s for ${what}`);
}
