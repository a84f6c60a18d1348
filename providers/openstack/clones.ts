import { setTimeout as sleep } from "node:timers/promises";
import { answeredIn, type Clone, type Clones, networkOf } from "../../operations/clones.ts";
import type { DeployedStack } from "../../operations/outputs.ts";
import { clonesKind } from "../../plugin/clones.ts";
import { gone, isGone, type OpenstackApi } from "../../service/compute/openstack/api.ts";
import { markKeys } from "../../service/compute/openstack/look.ts";
import { consoleOf, type Server as ListedServer } from "./machines.ts";
import { placeOf } from "./outputs.ts";
import { servicesOf } from "./services.ts";

/** Metadata of clones and of what they are made of: the network, by which a deployment finds what is its own, and the machine. */
const networkKey = "switchyard_clone_network";
export const sourceKey = "switchyard_clone_of";
/** Of an image that is not for clones: the stack that it was made of. */
export const stackKey = "switchyard_image_of_stack";

/** What a controller knows machines by that it heals or removes. */
const ownKeys: readonly string[] = ["cluster", ...Object.values(markKeys)];

/** How long Nova may take to make an image, a machine, or to delete one, and the pause between two looks, in milliseconds. */
const limits = { image: 30 * 60_000, machine: 10 * 60_000, every: 1_000 } as const;

/** What is read here of a machine, beside what listings have (Compute API, "Show Server Details"). */
interface Server extends ListedServer {
  readonly flavor: { readonly id: string };
  readonly key_name: string | null;
  readonly "OS-EXT-AZ:availability_zone"?: string;
}

/** What is read here of a port (Networking API v2.0). */
interface Port {
  readonly id: string;
  readonly network_id: string;
  readonly description: string;
  readonly fixed_ips: readonly { readonly subnet_id: string }[];
  readonly security_groups: readonly string[];
}

/** What is read here of an image (Image service API v2): what it was made with stands beside it. */
export interface DiskImage extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly created_at: string;
}

/** What a clone's port says of itself, so that one whose machine was not made yet is found. */
const describe = (name: string, machine: string) => `Clone ${name} of ${machine}`;

/**
 * What a clone runs: what the machine did, which cloud-init keeps on the disk. Nova tells nobody but its administrators what
 * a machine's user data is.
 */
export const scriptOf = (machine: string) =>
  `#!/bin/bash\nexec bash /var/lib/cloud/instances/${machine}/scripts/part-001\n`;

/** How to make clones, and what else is made of a machine's disk (machine-images.ts). */
export function cloneMaker(deployed: DeployedStack) {
  const network = networkOf(deployed);
  const services = servicesOf(placeOf(deployed));

  async function serverOf(id: string): Promise<Server> {
    const answer = await services
      .call<{ server: Server }>("compute", "GET", `/servers/${id}`)
      .catch((error: Error) => {
        throw isGone(error) ? new Error(`machine ${id} is gone`) : error;
      });
    return answer.server;
  }

  /** The machine, once it is in a state. @throws when it is in the state of errors */
  async function serverIn(status: string, id: string, limitMs: number): Promise<Server> {
    return until(`machine ${id} to be ${status}`, limitMs, async () => {
      const server = await serverOf(id);
      if (server.status === "ERROR")
        throw new Error(
          `Nova could not make ${server.name}: ${server.fault?.message ?? "it does not say why"}`,
        );
      return server.status === status && server;
    });
  }

  return {
    services,
    network,
    serverOf,
    serverIn,
    /** Makes an image of a machine's disk; resolves once it can be booted. */
    async image(id: string, name: string, own: Readonly<Record<string, string>>): Promise<DiskImage> {
      // It inherits those of the image that its machine boots.
      const metadata = { [networkKey]: "", [stackKey]: "", ...own };
      if ((await serverOf(id)).image === "")
        throw new Error(
          `Machine ${id} boots from a volume (clusters[].diskGiB), of which no image is made here: take one of a cluster without diskGiB.`,
        );
      const asked = { createImage: { name, metadata } };
      await services.call("compute", "POST", `/servers/${id}/action`, { body: asked });
      return until(`image ${name} to be active`, limits.image, async () => {
        const named = await imagesBy(services, { name });
        const made = named.find((image) => isLike(image, metadata));
        if (!made) throw new Error(`Nova could not make image ${name}: it is gone.`);
        return made.status === "active" && made;
      });
    },
    /**
     * Makes a machine of an image that is like another one, on a port of its own; resolves once it is active.
     *
     * @param script what it runs instead of the machine's startup script, without the machine's key
     */
    async launch(image: string, machine: string, name: string, script?: string): Promise<Clone> {
      const source = await serverOf(machine);
      const ports = await services.all<Port>("network", `/ports?device_id=${machine}`, "ports");
      const metadata = Object.entries(source.metadata).filter(([key]) => !ownKeys.includes(key));
      const zone = source["OS-EXT-AZ:availability_zone"];
      const made: string[] = [];
      try {
        for (const { network_id, fixed_ips, security_groups } of ports) {
          const fixed = fixed_ips.map(({ subnet_id }) => ({ subnet_id }));
          const port = {
            network_id,
            fixed_ips: fixed,
            security_groups,
            description: describe(name, machine),
          };
          const answer = await services.call<{ port: Port }>("network", "POST", "/ports", { body: { port } });
          made.push(answer.port.id);
        }
        const server = {
          name,
          flavorRef: source.flavor.id,
          imageRef: image,
          networks: made.map((port) => ({ port })),
          user_data: Buffer.from(script ?? scriptOf(machine)).toString("base64"),
          config_drive: true,
          metadata: { ...Object.fromEntries(metadata), [networkKey]: network, [sourceKey]: machine },
          ...(script === undefined && source.key_name && { key_name: source.key_name }),
          ...(zone && { availability_zone: zone }),
        };
        const body = { server };
        const answer = await services.call<{ server: Server }>("compute", "POST", "/servers", { body });
        return cloneOf(await serverIn("ACTIVE", answer.server.id, limits.machine));
      } catch (error) {
        await removeMachines(services, network, (one) => one === name);
        throw error;
      }
    },
  };
}

/** Clones on OpenStack: machines of an image of the first one, which no cluster has. */
export function openClones(deployed: DeployedStack): Clones {
  const { services, network, image, launch } = cloneMaker(deployed);
  return {
    everyMs: 5_000,
    async snapshot(id) {
      const metadata = { [networkKey]: network, [sourceKey]: id };
      return (await image(id, `clones-${network}-${Date.now()}`, metadata)).id;
    },
    create: (image, machine, name) => launch(image, machine, name),
    answeredAt: async (id) => answeredIn(await consoleOf(services, id, AbortSignal.timeout(30_000))),
    list: async () => (await clonesIn(services, network)).map(cloneOf),
    remove: (names) => removeIn(services, network, (name) => names.includes(name)),
  };
}

function cloneOf({ id, name, status, created, addresses, metadata }: ListedServer): Clone {
  const [{ addr = "" } = {}] = Object.values(addresses).flat();
  const of = metadata[sourceKey] ?? "";
  return { name, id, of, address: addr, state: status.toLowerCase(), createdAt: new Date(created) };
}

async function clonesIn(services: OpenstackApi, network: string): Promise<ListedServer[]> {
  const servers = await services.all<ListedServer>("compute", "/servers/detail", "servers");
  return servers.filter(({ metadata }) => metadata[networkKey] === network);
}

/** Images that have this in common. */
export function imagesBy(
  services: OpenstackApi,
  properties: Readonly<Record<string, string>>,
): Promise<DiskImage[]> {
  return services.all<DiskImage>("image", `/images?${new URLSearchParams(properties)}`, "images");
}

export async function deleteImage(services: OpenstackApi, id: string): Promise<void> {
  await gone(services.call("image", "DELETE", `/images/${id}`));
}

const isLike = (image: DiskImage, metadata: Readonly<Record<string, string>>) =>
  Object.entries(metadata).every(([key, value]) => (image[key] ?? "") === value);

/** Removes clones by their names, and the images when no clone is left. */
export async function removeIn(
  services: OpenstackApi,
  network: string,
  which: (name: string) => boolean,
): Promise<void> {
  if (await removeMachines(services, network, which)) return;
  const images = await imagesBy(services, { [networkKey]: network, visibility: "private" });
  for (const { id } of images) await deleteImage(services, id);
}

/**
 * Removes clones by their names, and once they are gone their ports.
 *
 * @returns whether others are left
 */
async function removeMachines(
  services: OpenstackApi,
  network: string,
  which: (name: string) => boolean,
): Promise<boolean> {
  const clones = await clonesIn(services, network);
  const going = clones.filter(({ name }) => which(name));
  for (const { id } of going) await gone(services.call("compute", "DELETE", `/servers/${id}`));
  for (const { id } of going) await untilGone(services, id);
  const ports = await services.all<Port>("network", `/ports?network_id=${network}`, "ports");
  for (const { id, description } of ports) {
    const [, name] = /^Clone (\S+) of \S+$/.exec(description) ?? [];
    if (name !== undefined && which(name)) await gone(services.call("network", "DELETE", `/ports/${id}`));
  }
  return going.length < clones.length;
}

async function untilGone(services: OpenstackApi, id: string): Promise<void> {
  await until(`machine ${id} to be gone`, limits.machine, async () => {
    try {
      const { server } = await services.call<{ server: Server }>("compute", "GET", `/servers/${id}`);
      // Some clouds keep it for a while after that.
      return server.status.endsWith("DELETED");
    } catch (error) {
      if (isGone(error)) return true;
      throw error;
    }
  });
}

/** Asks until the answer is not false, and gives it. */
async function until<T>(what: string, limitMs: number, ask: () => Promise<T | false>): Promise<T> {
  for (const deadline = Date.now() + limitMs; Date.now() < deadline; await sleep(limits.every)) {
    const answer = await ask();
    if (answer !== false) return answer;
  }
  throw new Error(`waited ${limitMs / 1000} s for ${what}`);
}

interface Inputs {
  readonly network: string;
  readonly authUrl: string;
  readonly region: string;
}

/** Removes the clones of a network. */
export const clones = clonesKind(({ network, authUrl, region }: Inputs) =>
  removeIn(servicesOf({ authUrl, region }), network, () => true),
);
