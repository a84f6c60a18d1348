import { type FileHandle, open } from "node:fs/promises";
import { follow, type Tail } from "../../operations/follow.ts";
import {
  byClusterAndAge,
  type MachineStatus,
  type Machines,
  noSuchMachine,
} from "../../operations/machines.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { LocalCloud } from "./cloud/client.ts";
import { homeOf } from "./cloud/home.ts";
import { MachineFolders } from "./cloud/machine.ts";
import type { MachineInfo, MachineState } from "./cloud/specs.ts";

/** How often a followed log is looked at, in milliseconds. */
const followMs = 200;

/** A machine's state in the words that all clouds share. */
export const healthOf: Readonly<Record<MachineState, string>> = {
  starting: "starting",
  running: "healthy",
  unhealthy: "unhealthy",
  draining: "draining",
};

function statusOf({
  cluster,
  id,
  address,
  port,
  state,
  release,
  launchedAt,
  restarts,
}: MachineInfo): MachineStatus {
  return {
    cluster,
    id,
    address: `${address}:${port}`,
    health: healthOf[state],
    release,
    launchedAt: new Date(launchedAt),
    restarts,
  };
}

async function openFirst(files: readonly string[]): Promise<FileHandle | undefined> {
  for (const file of files) {
    try {
      return await open(file, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return undefined;
}

/** The tail of a file that is appended to. One that was cut short is read again from its start. */
export function tailOf(handle: FileHandle): Tail {
  const buffer = Buffer.alloc(64 * 1024);
  const decoder = new TextDecoder();
  let position = 0;
  return async function* () {
    if ((await handle.stat()).size < position) position = 0;
    for (let bytesRead = buffer.length; bytesRead > 0; position += bytesRead) {
      ({ bytesRead } = await handle.read(buffer, 0, buffer.length, position));
      if (bytesRead > 0) yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
    }
  };
}

/** The machines of a local cloud, as its control plane lists them; their logs are files. */
export function openMachines({ stack, outputs }: DeployedStack): Machines {
  const home = homeOf(outputs.operator.cloud, stack);
  const cloud = new LocalCloud(home);
  const folders = new MachineFolders(home);
  return {
    async list() {
      const machines = (await cloud.machines()).map(statusOf);
      return machines.sort(byClusterAndAge);
    },
    async *logs(id, options) {
      const known = /^m-[0-9a-f]+$/.test(id);
      const handle = known ? await openFirst([folders.logOf(id), folders.archivedLogOf(id)]) : undefined;
      if (!handle) {
        const there = (await cloud.machines()).map((machine) => machine.id);
        throw noSuchMachine(stack, id, there);
      }
      try {
        yield* follow(tailOf(handle), followMs, options);
      } finally {
        await handle.close();
      }
    },
  };
}
