import { Storage } from "@google-cloud/storage";
import type { Compute, GroupState, Offer } from "./compute.ts";

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
  readonly selfLink?: string;
}

/** Compute Engine's managed instance groups of the deployment, by the machine's own account. Its REST API: its SDK is 109 MB. */
export function openGcpCompute({ project, region, images, endpoint }: GcpComputeSettings): Compute {
  // The storage SDK has the library that finds credentials, and renews tokens.
  const auth = new Storage().authClient;
  const root = endpoint ?? "https://compute.googleapis.com/compute/v1/";
  const inProject = `${root}projects/${project}`;
  const groups = `${inProject}/regions/${region}/instanceGroupManagers`;

  async function call<T>(method: "GET" | "POST", url: string): Promise<T> {
    const { data } = await auth.request<T>({ method, url, signal: AbortSignal.timeout(limitMs) });
    return data;
  }

  async function all<T>(url: string): Promise<T[]> {
    const found: T[] = [];
    let token: string | undefined;
    do {
      const page: Page<T> = await call("GET", token ? `${url}?pageToken=${encodeURIComponent(token)}` : url);
      found.push(...(page.items ?? []));
      token = page.nextPageToken;
    } while (token);
    return found;
  }

  /** What Google said of the last machine that it could not make. */
  async function problemOf(group: string): Promise<string | undefined> {
    const page = await call<Page<{ error?: { message?: string } }>>(
      "GET",
      `${groups}/${group}/listErrors?maxResults=1`,
    );
    return page.items?.[0]?.error?.message;
  }

  async function stateOf(id: string): Promise<GroupState | undefined> {
    const found = await call<Group>("GET", `${groups}/${id}`).catch((error: { status?: unknown }) => {
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
      await call("POST", `${groups}/${id}/resize?size=${size}`);
    },
    images: () =>
      Promise.all(
        images.map(async (id): Promise<Offer> => {
          const { name } = await call<Named>("GET", root + id);
          return { id, name };
        }),
      ),
    async flavors() {
      const [zone] =
        (await call<{ zones?: readonly string[] }>("GET", `${inProject}/regions/${region}`)).zones ?? [];
      if (zone === undefined) return [];
      const types = await all<Named & { guestCpus: number; memoryMb: number }>(
        `${inProject}/zones/${zone.split("/").at(-1)}/machineTypes`,
      );
      return types.map(({ name, guestCpus, memoryMb }) => ({
        id: name,
        name,
        processors: guestCpus,
        memoryMiB: memoryMb,
      }));
    },
    async networks() {
      const found = await all<Named & { IPv4Range?: string }>(`${inProject}/global/networks`);
      return found.map(({ name }) => ({ id: name, name }));
    },
  };
}
