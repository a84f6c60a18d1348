import type { Plan, PlannedResource } from "../plan.ts";

/** A cluster as the stack's outputs have it (`operations/outputs.ts`). */
export interface ClusterFacts {
  readonly size: number;
  readonly machineType: string;
  /** A token of the resource that its machines are found by. */
  readonly group?: string;
  readonly path?: string;
  readonly weight?: number;
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
  const revisions = resources
    .filter(({ type }) => type === "switchyard:index:Readiness")
    .flatMap(({ inputs }) => (inputs?.clusters ?? []) as readonly Awaited[])
    .flatMap(({ revision, joined = [] }) => [revision, ...joined]);
  return {
    resources,
    outputs,
    clusters: (outputs.clusters ?? {}) as PlanFacts["clusters"],
    hashes: new Set(
      [outputs.release, ...revisions].filter(
        (hash): hash is string => typeof hash === "string" && hash.length >= 16,
      ),
    ),
    config: plan.config,
  };
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
