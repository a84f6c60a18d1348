import { mkdtempSync, readFileSync } from "node:fs";
import { readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { LocalCloud } from "../../providers/local/cloud/client.ts";
import { processStart } from "../../providers/local/cloud/process.ts";
import type { GroupSpec, GroupStatus, MachineInfo } from "../../providers/local/cloud/specs.ts";
import type { State } from "../../providers/local/cloud/store.ts";
import { freePort } from "./ports.ts";

/** How long a slow host may take for what is expected soon. */
export const patience = { timeout: 20_000 };

/** The processes that work in a folder or below it: a cloud's control plane and its machines, children and all. */
export async function processesIn(folder: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")));
  return pids
    .filter((_, index) => `${folders[index]}/`.startsWith(`${folder}/`))
    .map(Number)
    .filter((pid) => processStart(pid) !== undefined);
}

/** Kills a process that may have ended by itself. */
export function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Kills all that runs in a local cloud's folder, until nothing new comes. */
export async function endCloud(home: string): Promise<void> {
  for (let pids = await processesIn(home); pids.length > 0; pids = await processesIn(home)) {
    for (const pid of pids) kill(pid);
  }
}

/** A folder that is removed, with all that runs in it, when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "local-"));
  onTestFinished(async () => {
    await endCloud(folder);
    await rm(folder, { recursive: true });
  });
  return folder;
}

const machineModule = join(import.meta.dirname, "machine.ts");

/** A startup script whose machine becomes a small server on `port` that answers with its `version`. */
export function serverScript(port: number, version = "1"): string {
  return `#!/usr/bin/env bash\nset -euo pipefail\nexec '${process.execPath}' '${machineModule}' ${port} '${version}'\n`;
}

let subnets = 0;

/** A subnet that no other group of this process has. */
export function nextSubnet(): string {
  subnets += 1;
  return `10.95.${subnets}.0/24`;
}

/** A group of machines that answer on a port that was free a moment ago; two of them unless `changes` says otherwise. */
export async function groupSpec(changes: Partial<GroupSpec> = {}): Promise<GroupSpec> {
  const port = changes.port ?? (await freePort());
  return {
    name: "cluster1",
    bucket: "files",
    subnets: [nextSubnet()],
    machineType: "local.small",
    release: "a".repeat(64),
    startupScript: serverScript(port),
    port,
    min: 1,
    max: 9,
    desired: 2,
    healthCheck: {
      path: "/healthz",
      intervalSeconds: 1,
      timeoutSeconds: 1,
      healthyThreshold: 1,
      unhealthyThreshold: 2,
    },
    rollout: { minHealthyPercent: 100, drainSeconds: 1, timeoutSeconds: 20 },
    ...changes,
  };
}

export interface MachineAnswer {
  readonly pid: number;
  readonly version: string;
  /** The URL of the machine's identity, which it alone knows. */
  readonly identity: string;
}

export async function askMachine({ address, port }: MachineInfo): Promise<MachineAnswer> {
  const response = await fetch(`http://${address}:${port}/`);
  return (await response.json()) as MachineAnswer;
}

const never = new AbortController().signal;

/** A local cloud in a folder of its own, with what tests ask of it; it ends with the test. */
export class TestCloud extends LocalCloud {
  /** The id of the group that is meant when none is named. */
  readonly group = "cluster1-0000000";

  static create(...folders: string[]): TestCloud {
    return new TestCloud(join(temporaryFolder(), "cloud", ...folders));
  }

  /** Where its machines work. */
  get machinesFolder(): string {
    return join(this.home, "machines");
  }

  /** What it keeps on disk. */
  get state(): State {
    return JSON.parse(readFileSync(join(this.home, "state.json"), "utf8"));
  }

  /** Asks for a group, and waits for what becomes of it. */
  async deploy(spec: GroupSpec, id = this.group): Promise<GroupStatus> {
    await this.put("groups", id, spec);
    return this.settled(id, never);
  }

  /** What has become of the group. */
  outcome(): Promise<GroupStatus> {
    return this.settled(this.group, never);
  }

  /** The processes of a group's machines, as it has recorded them. */
  async pids(id = this.group): Promise<number[]> {
    const machines = await this.machines();
    return machines.filter(({ group }) => group === id).map(({ pid }) => pid);
  }

  /** Waits until `count` machines serve and none of them is the process `gone`. */
  async serving(count: number, gone: number): Promise<void> {
    const serve = async () => {
      const machines = await this.machines();
      const all = machines.every(({ state, pid }) => state === "running" && pid !== gone);
      return all ? machines.length : "not yet";
    };
    await expect.poll(serve, patience).toBe(count);
  }

  /** The processes that are its control plane: one, but for moments. */
  async controlPlanes(): Promise<number[]> {
    const pids = await processesIn(this.home);
    const commands = await Promise.all(
      pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
    );
    const isOne = ([program, ...args]: string[]) =>
      program?.endsWith("/node") && args.some((argument) => argument.endsWith("/main.ts"));
    return pids.filter((_, index) => isOne((commands[index] ?? "").split("\0")));
  }

  /** Kills the control plane and what would start it again, as a power cut would that spares the machines. */
  async crash(): Promise<void> {
    const rest = async () => {
      const machines = await processesIn(this.machinesFolder);
      return (await processesIn(this.home)).filter((pid) => !machines.includes(pid));
    };
    for (let pids = await rest(); pids.length > 0; pids = await rest()) for (const pid of pids) kill(pid);
  }
}
