import type { Compute, GroupState, PeakGroup } from "../../../service/compute/compute.ts";
import type { KeptSchedule } from "../../../service/schedules/sizes.ts";

export const groups: readonly PeakGroup[] = ["standard", "large"].map((flavor) => ({
  cluster: "cluster1",
  flavor,
  image: "default",
  id: `peak-${flavor}`,
}));

export interface FakeCompute extends Compute {
  /** What each group was last asked for. */
  readonly sizes: Map<string, number>;
  /** Every call that set a size, such as `peak-large 2`. */
  readonly calls: string[];
  /** Fails what sets sizes with this. */
  refusal: string | undefined;
  /** Fails looks with this. */
  silence: string | undefined;
  /** How many machines there can be in a group. */
  capacity: number;
  /** Told of each size as it is set. */
  onResize: (id: string, size: number) => void;
}

/** A cloud's groups in memory, whose machines run at once: for tests of what calls it. */
export function fakeCompute(): FakeCompute {
  const sizes = new Map(groups.map(({ id }) => [id, 0]));
  const stateOf = (id: string): GroupState => {
    const size = sizes.get(id) ?? 0;
    const running = Math.min(size, compute.capacity);
    return { id, size, running, ...(running < size && { problem: "no more hosts of this flavor" }) };
  };
  const compute: FakeCompute = {
    sizes,
    calls: [],
    refusal: undefined,
    silence: undefined,
    capacity: Number.POSITIVE_INFINITY,
    onResize: () => {},
    async groups(ids) {
      if (compute.silence !== undefined) throw new Error(compute.silence);
      return ids.map(stateOf);
    },
    async resize(id, size) {
      compute.calls.push(`${id} ${size}`);
      if (compute.refusal !== undefined) throw new Error(compute.refusal);
      sizes.set(id, size);
      compute.onResize(id, size);
    },
    images: async () => [{ id: "img-1", name: "debian-13", minDisk: 10 }],
    flavors: async () => [
      { id: "2", name: "m1.small", vcpus: 1, ramMiB: 2048 },
      { id: "9", name: "m1.huge", vcpus: 64 },
    ],
    networks: async () => [{ id: "net-1", name: "switchyard", cidr: "10.0.0.0/16" }],
  };
  return compute;
}

export const noon = {
  name: "lunch",
  cluster: "cluster1",
  machines: 2,
  flavor: "standard",
  start: "2026-03-02T12:00:00Z",
  end: "2026-03-02T13:00:00Z",
};

export function kept(changes: Partial<KeptSchedule> = {}, schedule: object = {}): KeptSchedule {
  return {
    id: "s-1",
    version: 1,
    schedule: { ...noon, ...schedule },
    source: "api",
    created: 1,
    ...changes,
  };
}

export const at = (time: string): number => Date.parse(`2026-03-02T${time}Z`);
