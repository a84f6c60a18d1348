import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { gone, type OpenstackApi, ServiceError } from "./api.ts";
import type { ClearingStep, Step } from "./decide.ts";
import { describeSlot, markKeys, memberTag, type Slot } from "./look.ts";
import type { GroupTemplate, PoolShare, Template } from "./template.ts";

/** How long is waited before Octavia, which makes one change at a time, is asked again; in milliseconds. */
const immutableMs = 1_000;

/** What steps are done with. */
export interface Hands {
  readonly api: OpenstackApi;
  readonly template: Template;
  /** The id of a flavor or image that may be given by its name. */
  flavorId(nameOrId: string, signal: AbortSignal): Promise<string>;
  imageId(nameOrId: string, signal: AbortSignal): Promise<string>;
}

/**
 * Does one step.
 * @param now in milliseconds since the epoch
 * @throws {ServiceError} what a service refused, in its words
 */
export async function perform(step: Step, hands: Hands, now: number, signal: AbortSignal): Promise<void> {
  switch (step.do) {
    case "open":
      return open(step.template, step.number, hands, signal);
    case "join":
      return join(step.template, step.slot, step.share, hands, signal);
    default:
      return clear(step, hands.api, now, signal);
  }
}

/** The same of a step that makes nothing. */
export async function clear(
  step: ClearingStep,
  api: OpenstackApi,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  switch (step.do) {
    case "weigh": {
      const { pool, id } = step.member;
      const options = { body: { member: { weight: step.weight } }, signal };
      const ask = () => api.call("load-balancer", "PUT", `/pools/${pool}/members/${id}`, options);
      return onBalancer(signal, () => gone(ask()));
    }
    case "leave": {
      const { pool, id } = step.member;
      const ask = () => api.call("load-balancer", "DELETE", `/pools/${pool}/members/${id}`, { signal });
      return onBalancer(signal, () => gone(ask()));
    }
    case "drain": {
      const { group, number, port } = step.slot;
      const body = { port: { description: describeSlot(group, number, now) } };
      return gone(api.call("network", "PUT", `/ports/${port}`, { body, signal }));
    }
    case "discard":
      return gone(api.call("compute", "DELETE", `/servers/${step.server.id}`, { signal }));
    case "close":
      return gone(api.call("network", "DELETE", `/ports/${step.slot.port}`, { signal }));
  }
}

/**
 * The address on the wire of a slot's port: Neutron gives none twice in a network, so that of two controllers which make
 * the same port one is refused. Below `06`, which is nobody's, as Neutron's own begin with `fa:16:3e`.
 */
function addressOf(group: string, number: number): string {
  const digits = createHash("sha256").update(`${group} ${number}`).digest("hex");
  return ["06", ...(digits.slice(0, 10).match(/../g) ?? [])].join(":");
}

const placeOf = ({ places }: GroupTemplate, number: number) => places[number % places.length];

const nameOf = ({ project }: Template, { name }: GroupTemplate, number: number) =>
  `${project}-${name}-${number}`;

/** Makes a place and its machine, unless another controller is faster. */
async function open(group: GroupTemplate, number: number, hands: Hands, signal: AbortSignal) {
  const { api, template } = hands;
  const port = {
    network_id: template.network,
    name: nameOf(template, group, number),
    description: describeSlot(group.id, number),
    mac_address: addressOf(group.id, number),
    fixed_ips: [{ subnet_id: placeOf(group, number)?.subnet }],
    security_groups: [template.securityGroup],
    admin_state_up: true,
  };
  const made: { id?: string } = {};
  await unlessDone(/MacAddressInUse/, async () => {
    const answer = await api.call<{ port: { id: string } }>("network", "POST", "/ports", {
      body: { port },
      signal,
    });
    made.id = answer.port.id;
  });
  const { id } = made;
  if (id === undefined) return;
  try {
    await boot(group, number, id, hands, signal);
  } catch (error) {
    // Without its machine a place is none.
    await gone(api.call("network", "DELETE", `/ports/${id}`));
    throw error;
  }
}

async function boot(
  group: GroupTemplate,
  number: number,
  port: string,
  hands: Hands,
  signal: AbortSignal,
): Promise<void> {
  const { api, template } = hands;
  if (template.tags.length > 0)
    await api.call("network", "PUT", `/ports/${port}/tags`, { body: { tags: template.tags }, signal });
  const zone = placeOf(group, number)?.zone;
  const mark = {
    [markKeys.network]: template.network,
    [markKeys.group]: group.id,
    [markKeys.slot]: String(number),
    [markKeys.revision]: group.revision,
  };
  const server = {
    name: nameOf(template, group, number),
    flavorRef: await hands.flavorId(group.flavor, signal),
    ...bootFrom(await hands.imageId(group.image, signal), group.diskGiB),
    networks: [{ port }],
    user_data: Buffer.from(group.userData).toString("base64"),
    config_drive: true,
    metadata: { ...group.metadata, ...mark },
    ...(group.keyPair !== undefined && { key_name: group.keyPair }),
    ...(zone !== undefined && { availability_zone: zone }),
  };
  const body = { server, "os:scheduler_hints": { group: group.id } };
  await api.call("compute", "POST", "/servers", { body, signal });
}

/** What a machine boots from: the image itself, or a volume that is made of it and goes with the machine. */
function bootFrom(image: string, diskGiB: number | undefined): object {
  if (diskGiB === undefined) return { imageRef: image };
  const volume = { source_type: "image", destination_type: "volume", uuid: image, boot_index: 0 };
  return {
    block_device_mapping_v2: [{ ...volume, volume_size: diskGiB, delete_on_termination: true }],
  };
}

async function join(
  group: GroupTemplate,
  { number, address, subnet }: Slot,
  { pool, weight }: PoolShare,
  { api, template }: Hands,
  signal: AbortSignal,
): Promise<void> {
  const member = {
    name: nameOf(template, group, number),
    address,
    protocol_port: template.port,
    subnet_id: subnet,
    weight,
    tags: [memberTag(template.network), ...template.tags],
  };
  await onBalancer(signal, () =>
    unlessDone(/already/, async () => {
      await api.call("load-balancer", "POST", `/pools/${pool}/members`, { body: { member }, signal });
    }),
  );
}

/** Does what the other controller may have done in between, which a conflict in these words says. */
async function unlessDone(conflict: RegExp, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ServiceError && error.status === 409 && conflict.test(error.message))) throw error;
  }
}

/** Does something to a load balancer, once it takes changes: while it makes one it refuses all others. */
export async function onBalancer(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isBusy = error instanceof ServiceError && error.status === 409;
      if (!isBusy || !/immutable|PENDING_/i.test(error.message)) throw error;
      await sleep(immutableMs, undefined, { signal });
    }
  }
}
