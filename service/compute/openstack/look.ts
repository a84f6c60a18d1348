import { isGone, type OpenstackApi } from "./api.ts";
import type { Template } from "./template.ts";

/** What is read here of a machine (Compute API, "List Servers Detailed"). */
export interface Server {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly created: string;
  readonly "OS-EXT-STS:task_state"?: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Empty for one that boots from a volume. */
  readonly image?: { readonly id: string } | "";
  /** Why it is in the state of errors. */
  readonly fault?: { readonly message: string };
}

/** What is read here of a port (Networking API v2.0). */
interface Port {
  readonly id: string;
  readonly description: string;
  /** The machine that it is bound to; empty: none. */
  readonly device_id: string;
  readonly created_at: string;
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[];
}

/** What is read here of a member (Load Balancer API v2). */
interface OctaviaMember {
  readonly id: string;
  readonly address: string;
  readonly weight: number;
  readonly operating_status: string;
  readonly tags?: readonly string[];
}

export interface Member extends OctaviaMember {
  readonly pool: string;
}

/** A place for one machine of a group: its port, which whoever makes it makes the machine for. */
export interface Slot {
  readonly port: string;
  /** The group's id, and which of its slots it is. */
  readonly group: string;
  readonly number: number;
  readonly subnet: string;
  readonly address: string;
  /** When its port was made, in milliseconds since the epoch. */
  readonly made: number;
  /** Whether Nova has bound its port to a machine. */
  readonly isBound: boolean;
  /** Since when its machine gets no new requests, in milliseconds since the epoch; absent: it is wanted. */
  readonly drains?: number;
  /** The machine on it, once there is one. */
  readonly server?: Server;
  readonly members: readonly Member[];
}

/** One of the deployment's own machines, which the controller did not make. */
export interface OwnMachine {
  readonly server: Server;
  readonly cluster: string;
  readonly address: string;
  readonly members: readonly Member[];
}

/** What there is of a deployment. */
export interface Look {
  readonly slots: readonly Slot[];
  /** Machines of slots that are another's, or gone: two controllers were at it, or one was killed. */
  readonly strays: readonly Server[];
  /** Members of slots that are gone. */
  readonly orphans: readonly Member[];
  readonly own: readonly OwnMachine[];
}

/** What marks a machine as an extra one, and of which deployment, group, slot and revision. */
export const markKeys = {
  network: "switchyard_network",
  group: "switchyard_group",
  slot: "switchyard_slot",
  revision: "switchyard_revision",
} as const;

/** The tag of members of a deployment's extra machines. */
export const memberTag = (network: string) => `${markKeys.network}=${network}`;

/** What a slot's port says of itself: Neutron takes it with the port, which tags would come after. */
export function describeSlot(group: string, number: number, drains?: number): string {
  const since = drains === undefined ? "" : `, drains since ${new Date(drains).toISOString()}`;
  return `Extra machine ${number} of ${group}${since}`;
}

const slotPattern = /^Extra machine (\d+) of ([\w-]+)(?:, drains since (\S+))?$/;

/** Where to look. */
export type LookedAt = Pick<Template, "network" | "project" | "pools">;

/** Looks at all machines of a deployment, and what belongs to them. */
export async function look(
  api: OpenstackApi,
  { network, project, pools }: LookedAt,
  signal: AbortSignal,
): Promise<Look> {
  const named = encodeURIComponent(`^${project}-`);
  const [servers, ...inPools] = await Promise.all([
    api.all<Server>("compute", `/servers/detail?name=${named}`, "servers", signal),
    ...pools.map((pool) => membersOf(api, pool, signal)),
  ]);
  // Later than machines: the port of one that is active has been bound before.
  const ports = await api.all<Port>("network", `/ports?network_id=${network}`, "ports", signal);
  const members = inPools.flat();
  const byId = new Map(servers.map((server) => [server.id, server]));
  const at = (address: string) => members.filter((member) => member.address === address);
  const slots: Slot[] = [];
  const own: OwnMachine[] = [];
  for (const port of ports) {
    const [fixed] = port.fixed_ips;
    if (!fixed) continue;
    const [, number, group, since] = slotPattern.exec(port.description) ?? [];
    const { ip_address: address, subnet_id: subnet } = fixed;
    const bound = byId.get(port.device_id);
    if (group !== undefined) {
      const place = {
        port: port.id,
        group,
        number: Number(number),
        subnet,
        address,
        made: Date.parse(port.created_at),
        isBound: port.device_id !== "",
      };
      const server = bound ?? unbound(place);
      slots.push({
        ...place,
        members: at(address),
        ...(since !== undefined && { drains: Date.parse(since) }),
        ...(server && { server }),
      });
    } else if (bound?.metadata.cluster !== undefined && bound.metadata.project_name === project)
      own.push({ server: bound, cluster: bound.metadata.cluster, address, members: at(address) });
  }
  const placed = new Set(slots.map(({ server }) => server?.id));
  const marked = servers.filter(({ metadata }) => metadata[markKeys.network] === network);
  const known = new Set(slots.map(({ address }) => address));
  return {
    slots,
    own,
    strays: marked.filter(({ id }) => !placed.has(id)),
    orphans: members.filter(
      ({ tags = [], address }) => tags.includes(memberTag(network)) && !known.has(address),
    ),
  };

  /** The oldest machine that was made for a slot, while Nova has not put it there yet. */
  function unbound({ group, number }: Pick<Slot, "group" | "number">): Server | undefined {
    const made = servers.filter(
      ({ metadata }) =>
        metadata[markKeys.network] === network &&
        metadata[markKeys.group] === group &&
        metadata[markKeys.slot] === String(number),
    );
    return made.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))[0];
  }
}

const keyOf = ({ created, id }: Server) => `${created} ${id}`;

/** A pool that is gone has no members. */
async function membersOf(api: OpenstackApi, pool: string, signal: AbortSignal): Promise<Member[]> {
  try {
    const found = await api.all<OctaviaMember>("load-balancer", `/pools/${pool}/members`, "members", signal);
    return found.map((member) => ({ ...member, pool }));
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}
