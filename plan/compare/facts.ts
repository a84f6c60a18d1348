import type { Plan, PlannedResource } from "../plan.ts";

/** A cluster as the stack's outputs have it (`operations/outputs.ts`). */
export interface ClusterFacts {
  readonly size: number;
  readonly machineType: string;
  /** A token of the resource that its machines are found by. */
  readonly group?: string;
  readonly path?: string;
  readonly weight?: number;
  /** Of its machines, where that is not the stack's. */
  readonly release?: string;
}

/** A plan by what comparisons ask of it. */
export interface PlanFacts {
  readonly resources: readonly PlannedResource[];
  /** The stack's outputs. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly clusters: Readonly<Record<string, ClusterFacts>>;
  /** Words that hash what machines start with: their release's and revisions. */
  readonly hashes: ReadonlySet<string>;
  /** By whole key: `switchyard:tags`. */
  readonly config: Readonly<Record<string, string>>;
}

/** What a deployment waits for, of each cluster (`components/readiness.ts`). */
interface Awaited {
  readonly revision: unknown;
  /** Revisions of extra machines that answer beside. */
  readonly joined?: readonly unknown[];
}

export function factsOf(plan: Plan): PlanFacts {
  const resources = plan.steps.map(({ newState }) => newState);
  const outputs = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
  const clusters = (outputs.clusters ?? {}) as PlanFacts["clusters"];
  const revisions = resources
    .filter(({ type }) => type === "switchyard:index:Readiness")
    .flatMap(({ inputs }) => (inputs?.clusters ?? []) as readonly Awaited[])
    .flatMap(({ revision, joined = [] }) => [revision, ...joined]);
  return {
    resources,
    outputs,
    clusters,
    hashes: new Set(
      [outputs.release, ...Object.values(clusters).map(({ release }) => release), ...revisions].filter(
        (hash): hash is string => typeof hash === "string" && hash.length >= 16,
      ),
    ),
    config: plan.config,
  };
}

/** Which other release machines get, in words; undefined when all keep theirs. */
export function releaseChange(before: PlanFacts, after: PlanFacts): string | undefined {
  const short = (release: unknown) => `${String(release).slice(0, 12)}…`;
  const [old, now] = [before.outputs.release, after.outputs.release];
  const isKept = Object.hasOwn(after.config, "switchyard:release");
  if (old !== now) return `${isKept ? "kept release" : "new build"} ${short(now)}`;
  const others = Object.entries(after.clusters).flatMap(([name, { release }]) => {
    const known = before.clusters[name];
    return known && known.release !== release ? [`${short(release ?? now)} on ${name}`] : [];
  });
  return others.length === 0 ? undefined : `release ${others.join(", ")}`;
}

/** Clusters that seem to be renamed: one goes, and another comes to the same path. Old name, new name. */
export function renamedClusters(before: PlanFacts, after: PlanFacts): [string, string][] {
  const coming = Object.entries(after.clusters).filter(([name]) => !Object.hasOwn(before.clusters, name));
  return Object.entries(before.clusters).flatMap(([name, { path }]): [string, string][] => {
    if (path === undefined || Object.hasOwn(after.clusters, name)) return [];
    const heir = coming.find(([, facts]) => facts.path === path);
    return heir ? [[name, heir[0]]] : [];
  });
}
