import type { Compute, GroupState, Offer } from "./compute.ts";
import { ComputeApi } from "./gcp-api.ts";

export interface GcpComputeSettings {
  /** The project's id. */
  readonly project: string;
  readonly region: string;
  /** Images that schedules may name, in Google's own words: `projects/…/global/images/…`. */
  readonly images: readonly string[];
  /** Where Compute Engine is. Default: where Google has it. */
  readonly endpoint?: string | undefined;
}

/** How long a call may take, in milliseconds. */
const limitMs = 20_000;

/** What is read here of a group (`InstanceGroupManager` in Compute Engine's API). */
interface Group {
  readonly name: string;
  readonly targetSize: number;
  readonly currentActions?: Readonly<Record<string, number>>;
}

interface Page<T> {
  readonly items?: readonly T[];
  readonly nextPageToken?: string;
}

interface Named {
  readonly name: string;
}

/** Compute Engine's managed instance groups of the deployment, by the machine's own account. */
export function openGcpCompute({ project, region, images, endpoint }: GcpComputeSettings): Compute {
  const api = new ComputeApi(project, { root: endpoint, limitMs });
  const pathOf = (group: string) => `regions/${region}/instanceGroupManagers/${group}`;

  async function all<T>(path: string): Promise<T[]> {
    const found: T[] = [];
    for await (const { items = [] } of api.pages<Page<T>>("GET", path)) found.push(...items);
    return found;
  }

  /** What Google said of the last machine that it could not make. */
  async function problemOf(group: string): Promise<string | undefined> {
    type Errors = Page<{ error?: { message?: string } }>;
    const { items } = await api.call<Errors>("GET", `${pathOf(group)}/listErrors`, { maxResults: 1 });
    return items?.[0]?.error?.message;
  }

  async function stateOf(id: string): Promise<GroupState | undefined> {
    const found = await api.call<Group>("GET", pathOf(id)).catch((error: { status?: unknown }) => {
      if (error.status === 404) return undefined;
      throw error;
    });
    if (!found) return undefined;
    const running = found.currentActions?.none ?? 0;
    const problem = running < found.targetSize ? await problemOf(id) : undefined;
    return { id, size: found.targetSize, running, ...(problem && { problem }) };
  }

  return {
    async groups(ids) {
      const states = await Promise.all(ids.map(stateOf));
      return states.filter((state) => state !== undefined);
    },
    async resize(id, size) {
      await api.call("POST", `${pathOf(id)}/resize`, { size });
    },
    images: () =>
      Promise.all(
        images.map(async (id): Promise<Offer> => {
          const { name } = await api.call<Named>("GET", `../../${id}`);
          return { id, name };
        }),
      ),
    async flavors() {
      const [zone] = (await api.call<{ zones?: readonly string[] }>("GET", `regions/${region}`)).zones ?? [];
      if (zone === undefined) return [];
      const types = await all<Named & { guestCpus: number; memoryMb: number }>(
        `zones/${zone.split("/").at(-1)}/machineTypes`,
      );
      return types.map(({ name, guestCpus, memoryMb }) => ({
        id: name,
        name,
        processors: guestCpus,
        memoryMiB: memoryMb,
      }));
    },
    networks: async () => (await all<Named>("global/networks")).map(({ name }) => ({ id: name, name })),
  };
}
