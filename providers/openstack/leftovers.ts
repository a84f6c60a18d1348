import { setTimeout as sleep } from "node:timers/promises";
import type { Leftover, RecordedResource } from "../../operations/leftovers.ts";
import { gone, isGone, type OpenstackApi } from "../../service/compute/openstack/api.ts";
import { untilGone } from "./clones.ts";
import type { LayoutInputs } from "./layout.ts";
import type { Server } from "./machines.ts";
import { servicesOf } from "./services.ts";

/** How long Nova may take to put a machine that it makes on its port, and the pause between two looks, in milliseconds. */
const limits = { attach: 120_000, every: 2_000 } as const;

/** What is read here of a port (Networking API v2.0). */
interface Port {
  readonly device_id: string;
}

/**
 * Machines that Nova makes, or has made, for a deployment that was killed before it recorded them. The port says which: it
 * is the stack's own, and has one machine. Until that goes, neither its successor can be made nor the port be deleted.
 */
export async function leftoversOf(
  pending: readonly RecordedResource[],
  recorded: readonly RecordedResource[],
  signal: AbortSignal,
): Promise<Leftover[]> {
  const layout = recorded.find(({ type }) => type === "switchyard:openstack:Layout")?.inputs;
  const machines = pending.filter(({ type }) => type === "openstack:compute/instance:Instance");
  if (!layout || machines.length === 0) return [];
  const { authUrl, region } = layout as unknown as LayoutInputs;
  const services = servicesOf({ authUrl, region });
  const known = new Set(recorded.map(({ id }) => id));
  const found: Leftover[] = [];
  for (const { inputs = {} } of machines) {
    const [{ port = undefined } = {}] = (inputs.networks ?? []) as readonly { readonly port?: string }[];
    if (port === undefined) continue;
    const id = await machineOn(services, port, String(inputs.name), signal);
    if (id !== undefined && !known.has(id)) found.push(leftover(services, id, String(inputs.name), region));
  }
  return found;
}

function leftover(services: OpenstackApi, id: string, name: string, region: string): Leftover {
  return {
    what: `machine ${name} (${id})`,
    command: `openstack --os-region-name ${region} server delete ${id}`,
    async remove() {
      await gone(services.call("compute", "DELETE", `/servers/${id}`));
      await untilGone(services, id);
    },
  };
}

/** The id of a port's machine; waits for one of that name that is about to be there. */
async function machineOn(
  services: OpenstackApi,
  port: string,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const deadline = Date.now() + limits.attach; ; await sleep(limits.every, undefined, { signal })) {
    try {
      const answer = await services.call<{ port: Port }>("network", "GET", `/ports/${port}`, { signal });
      if (answer.port.device_id !== "") return answer.port.device_id;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
    const servers = await services.all<Server>("compute", "/servers/detail", "servers", signal);
    const isComing = servers.some((server) => server.name === name && server.status === "BUILD");
    if (!isComing || Date.now() > deadline) return undefined;
  }
}
