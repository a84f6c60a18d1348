import { follow, type Tail } from "../../operations/follow.ts";
import {
  byClusterAndAge,
  type MachineStatus,
  type Machines,
  noSuchMachine,
} from "../../operations/machines.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import type { ComputeApi } from "../../service/compute/gcp-api.ts";
import { openCompute } from "./compute.ts";
import { placeOf } from "./outputs.ts";
import { releaseMetadata } from "./release-metadata.ts";

/** How often a followed serial port is looked at, in milliseconds. */
const followMs = 5_000;

/** What is read here of a group's machine (`ManagedInstance` in Compute Engine's API). */
export interface ManagedInstance {
  /** Its URL; there before the machine is. */
  readonly instance?: string;
  readonly id?: string;
  readonly currentAction?: string;
  readonly instanceHealth?: readonly { readonly detailedHealthState?: string }[];
}

interface Managed {
  readonly nextPageToken?: string;
  readonly managedInstances?: readonly ManagedInstance[];
}

/** What is read here of a machine (`Instance`). */
interface Instance {
  readonly id?: string;
  readonly creationTimestamp?: string;
  readonly networkInterfaces?: readonly {
    readonly networkIP?: string;
    readonly accessConfigs?: readonly { readonly natIP?: string }[];
  }[];
  readonly metadata?: { readonly items?: readonly { readonly key?: string; readonly value?: string }[] };
}

interface Instances {
  readonly nextPageToken?: string;
  readonly items?: readonly Instance[];
}

/** What a serial port wrote from `start` on, and where that ends (`SerialPortOutput`). */
interface SerialPort {
  readonly contents?: string;
  readonly next?: string;
}

/** A machine as it is listed, and where it is found. */
interface Found {
  readonly status: MachineStatus;
  readonly zone: string;
  readonly name: string;
}

/** What the group says of a machine, in the words that all clouds share. */
export function healthOf({ currentAction = "NONE", instanceHealth = [] }: ManagedInstance): string {
  if (["DELETING", "ABANDONING", "STOPPING", "SUSPENDING"].includes(currentAction)) return "draining";
  if (currentAction !== "NONE") return "starting";
  const [{ detailedHealthState = "UNKNOWN" } = {}] = instanceHealth;
  if (detailedHealthState === "HEALTHY" || detailedHealthState === "DRAINING")
    return detailedHealthState.toLowerCase();
  return detailedHealthState === "UNKNOWN" ? "starting" : "unhealthy";
}

/** The machines of a stack's managed instance groups; their logs are what Google keeps of their first serial port, 1 MB. */
export function openMachines(deployed: DeployedStack): Machines {
  const { stack, outputs } = deployed;
  const { project, region } = placeOf(deployed);
  const compute = openCompute(project);

  async function find(): Promise<Found[]> {
    const members: { cluster: string; member: ManagedInstance; zone: string; name: string }[] = [];
    for (const [cluster, { group }] of Object.entries(outputs.clusters)) {
      const path = `regions/${region}/instanceGroupManagers/${group}/listManagedInstances`;
      for await (const { managedInstances = [] } of compute.pages<Managed>("POST", path)) {
        for (const member of managedInstances) {
          const [, zone = "", name = ""] =
            /\/zones\/([^/]+)\/instances\/([^/]+)$/.exec(member.instance ?? "") ?? [];
          members.push({ cluster, member, zone, name });
        }
      }
    }
    const details = await instancesOf(compute, new Set(members.map(({ zone }) => zone)));
    return members
      .map(({ cluster, member, ...place }) => ({
        ...place,
        status: statusOf(cluster, member, details.get(member.id ?? "")),
      }))
      .sort((one, other) => byClusterAndAge(one.status, other.status));
  }

  return {
    list: async () => (await find()).map(({ status }) => status),
    async *logs(id, options) {
      const there = await find();
      const machine = there.find(({ status, name }) => status.id === id || name === id);
      if (!machine) {
        throw noSuchMachine(
          stack,
          id,
          there.map(({ status }) => status.id),
        );
      }
      const { zone, name } = machine;
      console.error(
        `For a shell on it: gcloud compute ssh ${name} --project ${project} --zone ${zone} --tunnel-through-iap`,
      );
      yield* follow(
        serialPort(compute, `zones/${zone}/instances/${name}`, options.signal),
        followMs,
        options,
      );
    },
  };
}

/** Every machine of these zones, the stack's among them, by its id. */
async function instancesOf(compute: ComputeApi, zones: ReadonlySet<string>): Promise<Map<string, Instance>> {
  const found = new Map<string, Instance>();
  const fields = "nextPageToken,items(id,creationTimestamp,networkInterfaces,metadata)";
  for (const zone of zones) {
    if (zone === "") continue;
    for await (const { items = [] } of compute.pages<Instances>("GET", `zones/${zone}/instances`, {
      fields,
    })) {
      for (const instance of items) found.set(instance.id ?? "", instance);
    }
  }
  return found;
}

function statusOf(cluster: string, member: ManagedInstance, instance: Instance | undefined): MachineStatus {
  const [port] = instance?.networkInterfaces ?? [];
  return {
    cluster,
    id: member.id ?? "",
    address: port?.accessConfigs?.[0]?.natIP ?? port?.networkIP ?? "",
    health: healthOf(member),
    release: instance?.metadata?.items?.find(({ key }) => key === releaseMetadata)?.value ?? "",
    launchedAt: new Date(instance?.creationTimestamp ?? 0),
  };
}

/** The tail of a machine's first serial port, each time from where the last one ended. */
export function serialPort(compute: ComputeApi, machine: string, signal: AbortSignal): Tail {
  let start = "0";
  return async function* () {
    for (;;) {
      const query = { port: 1, start };
      const { contents = "", next = start } = await compute
        .call<SerialPort>("GET", `${machine}/serialPort`, query, signal)
        .catch((error: Error): SerialPort => {
          if (signal.aborted) return {};
          throw error;
        });
      if (contents === "" || next === start) return;
      start = next;
      yield contents;
    }
  };
}
