import type { MachineStatus, Machines } from "../../operations/machines.ts";
import type { DeployedStack } from "../../operations/outputs.ts";

/** The machines of a stack on OpenStack, which this version does not list; both calls say what does. */
export function openMachines({ stack }: DeployedStack): Machines {
  const unbuilt = (command: string) =>
    new Error(`Stack ${stack} is on OpenStack, where this is not built yet: run ${command}`);
  return {
    async list(): Promise<MachineStatus[]> {
      throw unbuilt("openstack server list --long");
    },
    // biome-ignore lint/correctness/useYield: it ends before it begins
    async *logs(id) {
      throw unbuilt(`openstack console log show ${id}`);
    },
  };
}
