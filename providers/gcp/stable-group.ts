import { setTimeout as pause } from "node:timers/promises";
import {
  IncompleteError,
  type OperationContext,
  type Properties,
  type ResourceKind,
} from "../../plugin/resource.ts";
import { openCompute } from "./compute.ts";

/** What is waited for: that a group's machines are as it was told last, and that those which they replace are gone. */
export interface StableGroupInputs {
  readonly project: string;
  readonly region: string;
  /** The group's name. */
  readonly group: string;
  /** What its machines are, and how many: after a change of either, it is waited for again. */
  readonly revision: string;
  readonly size: number;
  /** How long it may take, in seconds. */
  readonly timeoutSeconds: number;
}

/** What is read here of a group (`InstanceGroupManager` in Compute Engine's API). */
interface Group {
  readonly currentActions?: Readonly<Record<string, number>>;
  readonly status?: {
    readonly isStable?: boolean;
    readonly versionTarget?: { readonly isReached?: boolean };
  };
}

/** How often the group is looked at, in milliseconds. */
const lookMs = 3_000;

/** `2 verifying, 1 deleting`; nothing of machines that nothing is done with. */
function actionsOf({ currentActions = {} }: Group): string {
  const busy = Object.entries(currentActions).filter(([action, count]) => action !== "none" && count > 0);
  return busy.map(([action, count]) => `${count} ${action}`).join(", ") || "its machines are being replaced";
}

/** @throws when the time is over, with what the group is still doing */
async function waitUntilStable(
  properties: Properties,
  { signal, progress }: OperationContext,
): Promise<void> {
  const { project, region, group, timeoutSeconds } = properties as unknown as StableGroupInputs;
  const compute = openCompute(project);
  for (const deadline = Date.now() + timeoutSeconds * 1000; ; ) {
    const found = await compute.call<Group>(
      "GET",
      `regions/${region}/instanceGroupManagers/${group}`,
      {},
      signal,
    );
    if (found.status?.isStable && found.status.versionTarget?.isReached !== false) return;
    const actions = actionsOf(found);
    progress(`group ${group}: ${actions}`);
    if (Date.now() >= deadline) {
      throw new Error(
        `The group ${group} is not stable after ${timeoutSeconds} s: ${actions}. \`npm run machines\` lists its machines and their health.`,
      );
    }
    await pause(lookMs, undefined, { signal });
  }
}

/**
 * The end of a rollout in a group. The load balancer's clients are served long before; but what the old machines were made
 * of, a template and perhaps a subnet, cannot be deleted while there are any. It makes nothing.
 */
export const stableGroup: ResourceKind = {
  replaceOn: [],
  async create(news, context) {
    await waitUntilStable(news, context);
    return { id: context.name, outputs: {} };
  },
  async update(id, news, _olds, context) {
    try {
      await waitUntilStable(news, context);
    } catch (error) {
      // Recorded as it was tried, so that going back to the previous release is a change that is waited for too.
      throw new IncompleteError(id, news, (error as Error).message);
    }
    return {};
  },
};
