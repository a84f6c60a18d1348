import { follow, scrolling } from "../../operations/follow.ts";
import {
  byClusterAndAge,
  type MachineStatus,
  type Machines,
  noSuchMachine,
} from "../../operations/machines.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { type OpenstackApi, ServiceError } from "../../service/compute/openstack/api.ts";
import type { Server as ComputeServer } from "../../service/compute/openstack/look.ts";
import { type OpenstackOperator, placeOf } from "./outputs.ts";
import { servicesOf } from "./services.ts";

/** How often a followed console is looked at, in milliseconds. */
const followMs = 5_000;

/** What is read here of a machine, besides what a controller reads of it. */
export interface Server extends ComputeServer {
  readonly addresses: Readonly<Record<string, readonly { readonly addr: string }[]>>;
}

interface Pool {
  readonly members?: readonly { readonly address: string; readonly operating_status: string }[];
}

/** What is read here of a load balancer's state (Load Balancer API, "Get the Load Balancer status tree"). */
interface StatusTree {
  readonly statuses: {
    readonly loadbalancer: { readonly listeners?: readonly { readonly pools?: readonly Pool[] }[] };
  };
}

/**
 * What Nova says of a machine, and Octavia's health checks where it is a member of pools, in the words that all clouds
 * share.
 */
export function healthOf(
  server: Pick<Server, "status" | "OS-EXT-STS:task_state">,
  members: readonly string[],
): string {
  if (server["OS-EXT-STS:task_state"] === "deleting" || server.status.endsWith("DELETED")) return "draining";
  if (server.status === "BUILD") return "starting";
  if (server.status === "ERROR" || members.includes("ERROR")) return "unhealthy";
  if (server.status !== "ACTIVE") return server.status.toLowerCase();
  // A member is offline until it has been checked.
  if (members.includes("OFFLINE")) return "starting";
  const [status = server.status] = members;
  return status === "ONLINE" ? "healthy" : status.toLowerCase();
}

/** The machines of a stack's server groups; their logs are what Nova keeps of their consoles, 100 KB by default. */
export function openMachines(deployed: DeployedStack): Machines {
  const { stack, outputs } = deployed;
  const place = placeOf(deployed);
  const services = servicesOf(place);

  async function list(): Promise<MachineStatus[]> {
    const servers = await serversOf(services);
    const members = await membersOf(services, place);
    const machines: MachineStatus[] = [];
    for (const [cluster, { group }] of Object.entries(outputs.clusters)) {
      for (const id of await idsOf(services, group, place)) {
        const server = servers.get(id);
        if (server) machines.push(statusOf(cluster, server, members));
      }
    }
    return machines.sort(byClusterAndAge);
  }

  return {
    list,
    async *logs(id, options) {
      const there = await list();
      const machine = there.find((one) => one.id === id);
      if (!machine) {
        throw noSuchMachine(
          stack,
          id,
          there.map((one) => one.id),
        );
      }
      console.error(
        `For a shell on it, from where its network is reached: ssh ${machine.address}; for its console: openstack console url show --os-region-name ${place.region} ${id}`,
      );
      yield* follow(
        scrolling(() => consoleOf(services, id, options.signal)),
        followMs,
        options,
      );
    },
  };
}

/** The ids of a server group's machines. */
async function idsOf(
  services: OpenstackApi,
  group: string,
  { project }: OpenstackOperator,
): Promise<readonly string[]> {
  const path = `/os-server-groups/${group}`;
  try {
    const answer = await services.call<{ server_group: { members: string[] } }>("compute", "GET", path);
    return answer.server_group.members;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status !== 404) throw error;
    throw new Error(`${error.message}\nThe stack is in project ${project}: log in to that one.`, {
      cause: error,
    });
  }
}

/** Every machine of the login's project, the stack's among them, by its id. */
async function serversOf(services: OpenstackApi): Promise<Map<string, Server>> {
  const servers = await services.all<Server>("compute", "/servers/detail", "servers");
  return new Map(servers.map((server) => [server.id, server]));
}

/** What Octavia says of the members of all pools, by their address. */
async function membersOf(
  services: OpenstackApi,
  { loadBalancer }: OpenstackOperator,
): Promise<Map<string, string[]>> {
  const path = `/loadbalancers/${loadBalancer}/status`;
  const { statuses } = await services.call<StatusTree>("load-balancer", "GET", path);
  const found = new Map<string, string[]>();
  for (const { pools = [] } of statuses.loadbalancer.listeners ?? []) {
    for (const { address, operating_status } of pools.flatMap(({ members = [] }) => members))
      found.set(address, [...(found.get(address) ?? []), operating_status]);
  }
  return found;
}

function statusOf(
  cluster: string,
  server: Server,
  members: ReadonlyMap<string, readonly string[]>,
): MachineStatus {
  const [{ addr = "" } = {}] = Object.values(server.addresses).flat();
  return {
    cluster,
    id: server.id,
    address: addr,
    health: healthOf(server, members.get(addr) ?? []),
    release: server.metadata.release ?? "",
    launchedAt: new Date(server.created),
  };
}

export async function consoleOf(services: OpenstackApi, id: string, signal: AbortSignal): Promise<string> {
  const options = { body: { "os-getConsoleOutput": {} }, signal };
  const { output } = await services
    .call<{ output: string }>("compute", "POST", `/servers/${id}/action`, options)
    .catch((error: Error) => {
      if (signal.aborted) return { output: "" };
      throw error;
    });
  return output;
}
