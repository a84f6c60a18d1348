import { setTimeout as sleep } from "node:timers/promises";
import type { Leftover, RecordedResource } from "../../operations/leftovers.ts";
import {
  gone,
  isGone,
  type OpenstackApi,
  type Service,
  ServiceError,
} from "../../service/compute/openstack/api.ts";
import type { LayoutInputs } from "./layout.ts";
import type { Server } from "./machines.ts";
import { servicesOf } from "./services.ts";

/**
 * How long a request may be on its way that a killed deployment has sent, Nova may take to put a machine on its port, and a
 * service to remove something; and the pause between two looks. In milliseconds.
 */
const limits = { send: 5_000, attach: 120_000, remove: 600_000, every: 1_000 } as const;

interface Named {
  readonly id: string;
  readonly name?: string;
}

type Inputs = Readonly<Record<string, unknown>>;

/** Where a service has what a resource is; all of these have one id of the stack's own in their way. */
interface Collection {
  readonly service: Service;
  readonly path: (inputs: Inputs) => string;
  /** The key of the list in the answer. */
  readonly key: string;
  /** What tells the resource from others, where its name does not. */
  readonly by?: (inputs: Inputs) => Readonly<Record<string, string>>;
  /** What the request that deletes it ends with. */
  readonly ending?: string;
  /** What the `openstack` command calls it. */
  readonly word: string;
}

const balancing = (path: string, word: string, ending = ""): Collection => ({
  service: "load-balancer",
  path: () => `/${path}`,
  key: path,
  word: `loadbalancer ${word}`.trim(),
  ending,
});

const networking = (path: string, word: string, key = path): Collection => ({
  service: "network",
  path: () => `/${path}`,
  key,
  word,
});

const machineType = "openstack:compute/instance:Instance";

/** What another one of cannot be made beside, keeps a network from being deleted, or is one itself. */
const collections: Readonly<Record<string, Collection>> = {
  [machineType]: { service: "compute", path: () => "/servers", key: "servers", word: "server" },
  "openstack:compute/serverGroup:ServerGroup": {
    service: "compute",
    path: () => "/os-server-groups",
    key: "server_groups",
    word: "server group",
  },
  "openstack:loadbalancer/listener:Listener": balancing("listeners", "listener"),
  "openstack:loadbalancer/loadBalancer:LoadBalancer": balancing("loadbalancers", "", "?cascade=true"),
  "openstack:loadbalancer/l7PolicyV2:L7PolicyV2": balancing("l7policies", "l7policy"),
  "openstack:loadbalancer/member:Member": {
    ...balancing("members", "member"),
    path: ({ poolId }) => `/pools/${poolId}/members`,
  },
  "openstack:loadbalancer/monitor:Monitor": balancing("healthmonitors", "healthmonitor"),
  "openstack:loadbalancer/pool:Pool": balancing("pools", "pool"),
  "openstack:networking/floatingIp:FloatingIp": {
    ...networking("floatingips", "floating ip"),
    by: ({ portId }) => ({ port_id: String(portId) }),
  },
  "openstack:networking/network:Network": networking("networks", "network"),
  "openstack:networking/port:Port": networking("ports", "port"),
  "openstack:networking/router:Router": networking("routers", "router"),
  "openstack:networking/secGroup:SecGroup": networking(
    "security-groups",
    "security group",
    "security_groups",
  ),
  "openstack:networking/subnet:Subnet": networking("subnets", "subnet"),
};

export const finds = (type: string): boolean => type in collections;

/**
 * What services have made, or make, for a deployment that was killed before it recorded it. A machine is known by its port,
 * which is the stack's own and has one machine; a floating IP by the port that it leads to; all else by the name, where the
 * engine has made that up.
 */
export async function leftoversOf(
  pending: readonly RecordedResource[],
  recorded: readonly RecordedResource[],
  signal: AbortSignal,
): Promise<Leftover[]> {
  const { authUrl, region } = placeIn(recorded);
  const services = servicesOf({ authUrl, region });
  const known = new Set(recorded.map(({ id }) => id?.split("/").at(-1)));
  const found = pending.map(async ({ type, inputs = {} }) => {
    const collection = collections[type];
    if (!collection) return [];
    const ids =
      type === machineType
        ? await machinesOn(services, inputs, signal)
        : await idsLike(services, collection, inputs, signal);
    return ids
      .filter((id) => !known.has(id))
      .map((id) => leftover(services, collection, inputs, id, region, signal));
  });
  return (await Promise.all(found)).flat();
}

/** Where the stack's services are; what was recorded first knows it. */
function placeIn(recorded: readonly RecordedResource[]): Pick<LayoutInputs, "authUrl" | "region"> {
  for (const place of ["switchyard:openstack:Layout", "pulumi:providers:openstack"]) {
    const { authUrl, region } = recorded.find(({ type }) => type === place)?.inputs ?? {};
    if (authUrl !== undefined && region !== undefined)
      return { authUrl: String(authUrl), region: String(region) };
  }
  throw new Error("the stack's state does not say where its services are; see openstack server list");
}

function leftover(
  services: OpenstackApi,
  { service, path, ending = "", word }: Collection,
  inputs: Inputs,
  id: string,
  region: string,
  signal: AbortSignal,
): Leftover {
  const pool = word === "loadbalancer member" ? `${inputs.poolId} ` : "";
  return {
    what: [word, inputs.name, `(${id})`].filter(Boolean).join(" "),
    command: `openstack --os-region-name ${region} ${word} delete ${pool}${id}`,
    remove: () => remove(services, service, `${path(inputs)}/${id}`, ending, signal),
  };
}

/** Deletes something as soon as its service lets it, and resolves once it is gone. @throws when it does not go */
async function remove(
  services: OpenstackApi,
  service: Service,
  path: string,
  ending: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + limits.remove;
  for (let busy: ServiceError | undefined; ; await sleep(limits.every, undefined, { signal })) {
    if (Date.now() > deadline)
      throw (
        busy ?? new Error(`${path} is still there ${limits.remove / 60_000} minutes after it was deleted`)
      );
    try {
      await gone(services.call(service, "DELETE", path + ending));
      const answer = await services.call<Record<string, { status?: string }>>(service, "GET", path);
      // Some clouds keep a machine for a while after that.
      if (Object.values(answer).some(({ status }) => status?.endsWith("DELETED"))) return;
    } catch (error) {
      if (isGone(error)) return;
      // It is being made, or deleted, or what it is a part of is being changed.
      if (!(error instanceof ServiceError && error.status === 409)) throw error;
      busy = error;
    }
  }
}

/** The ids of what has the name, or the port, of something that was being made. */
async function idsLike(
  services: OpenstackApi,
  { service, path, key, by }: Collection,
  inputs: Inputs,
  signal: AbortSignal,
): Promise<string[]> {
  const isOwnName = ((inputs.__defaults ?? []) as readonly string[]).includes("name");
  if (!by && !isOwnName) return [];
  const query = new URLSearchParams(by?.(inputs) ?? { name: String(inputs.name) });
  try {
    const things = await services.all<Named>(service, `${path(inputs)}?${query}`, key, signal);
    // Nova lists all server groups, whatever it is asked.
    return things.filter(({ name }) => by || name === inputs.name).map(({ id }) => id);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** The id of a port's machine; waits for one of that name that is about to be there, or may be asked for. */
async function machinesOn(services: OpenstackApi, inputs: Inputs, signal: AbortSignal): Promise<string[]> {
  const [{ port = "" } = {}] = (inputs.networks ?? []) as readonly { readonly port?: string }[];
  if (port === "") return [];
  const began = Date.now();
  for (; ; await sleep(limits.every, undefined, { signal })) {
    try {
      const path = `/ports/${port}`;
      const answer = await services.call<{ port: { device_id: string } }>("network", "GET", path, { signal });
      if (answer.port.device_id !== "") return [answer.port.device_id];
    } catch (error) {
      if (isGone(error)) return [];
      throw error;
    }
    const servers = await services.all<Server>("compute", "/servers/detail", "servers", signal);
    const isComing = servers.some(({ name, status }) => name === inputs.name && status === "BUILD");
    if (Date.now() - began > (isComing ? limits.attach : limits.send)) return [];
  }
}
