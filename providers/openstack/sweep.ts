import { setTimeout as sleep } from "node:timers/promises";
import type { OperationContext, ResourceKind } from "../../plugin/resource.ts";
import type { OpenstackApi } from "../../service/compute/openstack/api.ts";
import { removal } from "../../service/compute/openstack/decide.ts";
import { type LookedAt, look } from "../../service/compute/openstack/look.ts";
import { clear } from "../../service/compute/openstack/perform.ts";
import { servicesOf } from "./services.ts";

/** Of which deployment it removes machines, and where that is. */
export interface SweepInputs extends LookedAt {
  readonly authUrl: string;
  readonly region: string;
}

/** The pause between two looks, in milliseconds: what a controller asked for last may not be listed yet. */
const pauseMs = 3_000;

/** How many looks in a row must find nothing. */
const looks = 2;

/**
 * Makes nothing. Deleted, which is after the controller and before the network, it removes what the controller has made:
 * members, machines, ports.
 */
export const sweep: ResourceKind = {
  replaceOn: ["authUrl", "region", "network"],
  async create(_news, context) {
    return { id: context.name, outputs: {} };
  },
  update: async () => ({}),
  async delete(_id, olds, context) {
    const { authUrl, region, ...place } = olds as unknown as SweepInputs;
    await removeAll(servicesOf({ authUrl, region }), place, context);
  },
};

/** @throws what a service refuses */
export async function removeAll(
  api: OpenstackApi,
  place: LookedAt,
  { signal, progress }: Pick<OperationContext, "signal" | "progress">,
): Promise<void> {
  for (let empty = 0; empty < looks; await sleep(pauseMs, undefined, { signal })) {
    const seen = await look(api, place, signal);
    const left = seen.slots.length + seen.strays.length + seen.orphans.length;
    empty = left === 0 ? empty + 1 : 0;
    if (empty === looks) return;
    progress(left === 0 ? "looking once more for extra machines" : `removing ${left} extra machines`);
    for (const step of removal(seen)) await clear(step, api, Date.now(), signal);
  }
}
