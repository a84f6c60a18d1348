import { parseUrn } from "../../operations/urn.ts";
import type { Change } from "../changes.ts";
import { factsOf } from "../compare/facts.ts";
import { simpleType } from "../labels.ts";
import { type FindOpenings, isInternet, type Opening } from "../openings.ts";
import type { Plan, PlannedResource } from "../plan.ts";

/** What becomes of something, the gravest first; `same` of what stays as it is. */
export const fates = ["delete", "replace", "create", "update", "same"] as const;
export type Fate = (typeof fates)[number];

/** Resources of one type in a box, of which the same becomes. */
export interface Row {
  readonly type: string;
  readonly count: number;
  readonly fate: Fate;
}

/** A component, or what stands in none. */
export interface Box {
  readonly id: string;
  /** What it is: `load balancer`. */
  readonly kind: string;
  readonly name: string;
  /** Such as `4 × t3.small`. */
  readonly note?: string;
  readonly rows: readonly Row[];
  /** What it lets in from the internet. */
  readonly openings: readonly Opening[];
  readonly fate: Fate;
}

/** Where data goes. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
  /** It goes back as well. */
  readonly isBoth?: true;
  /** Rights, not data. */
  readonly isQuiet?: true;
}

export interface Graph {
  readonly stack: string;
  readonly boxes: readonly Box[];
  readonly flows: readonly Flow[];
  /** It is of an edit: fates say what becomes of a deployed stack. */
  readonly isEdit: boolean;
}

/** What an edit does: the plan before it, and by URN what becomes of each resource. */
export interface Edit {
  readonly before: Plan;
  readonly fates: ReadonlyMap<string, Fate>;
}

const clientsId = "clients";
const restId = "rest";
const clusterType = "switchyard:index:Cluster";
const programTypes = ["Network", "LoadBalancer", "Cluster", "Bucket", "Release"].map(
  (name) => `switchyard:index:${name}`,
);

/** A plan as boxes and arrows. */
export function graphOf(plan: Plan, stack: string, openingsOf: FindOpenings, edit?: Edit): Graph {
  const now = plan.steps.map(({ newState }) => newState);
  const known = new Set(now.map(({ urn }) => urn));
  const gone = (edit?.before.steps ?? [])
    .map(({ newState }) => newState)
    .filter(({ urn }) => !known.has(urn) && edit?.fates.get(urn) === "delete");
  const resources = [...now, ...gone];
  const clusters = { ...(edit && factsOf(edit.before).clusters), ...factsOf(plan).clusters };
  const places = placesOf(resources, clusters);
  const fateOf = ({ urn }: PlannedResource): Fate => edit?.fates.get(urn) ?? "same";
  const members = Map.groupBy(
    resources.filter(({ custom }) => custom),
    ({ urn }) => places.get(urn) ?? restId,
  );
  const boxes = [...members].map(([id, inside]): Box => {
    const component = resources.find(({ urn }) => urn === id);
    const { type, name } = parseUrn(id);
    const rows = rowsOf(inside, fateOf);
    const cluster = type === clusterType ? clusters[name] : undefined;
    return {
      id,
      kind: component ? wordsOf(simpleType(type)) : "",
      name: component ? name : "the rest",
      ...(cluster && { note: noteOf(name, clusters) }),
      rows,
      openings: inside
        .filter(({ urn }) => known.has(urn))
        .flatMap((one) => openingsOf(one).filter(({ from }) => isInternet(from))),
      fate:
        component && fateOf(component) !== "same" ? fateOf(component) : gravest(rows.map(({ fate }) => fate)),
    };
  });
  const isOpen = boxes.some(({ openings }) => openings.length > 0);
  const clients: Box = {
    id: clientsId,
    kind: "",
    name: isOpen ? "Internet" : "Clients",
    rows: [],
    openings: [],
    fate: "same",
  };
  return {
    stack,
    boxes: [clients, ...boxes].toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1)),
    flows: flowsOf(boxes, resources, places, clusters),
    isEdit: edit !== undefined,
  };
}

type Clusters = ReturnType<typeof factsOf>["clusters"];

/** The cluster whose requests the extra machines of a group take (config/peaks.ts names them), or the cluster itself. */
function hostOf(name: string, clusters: Clusters): string {
  const isServing = (one: string) => clusters[one]?.path !== undefined || (clusters[one]?.weight ?? 0) > 0;
  if (isServing(name)) return name;
  const hosts = Object.keys(clusters).filter((host) => isServing(host) && name.startsWith(`${host}-`));
  return hosts.toSorted((a, b) => b.length - a.length)[0] ?? name;
}

/** By URN, the outermost component that a resource is in, a group of extra machines with its cluster; nothing for what is in none. */
function placesOf(resources: readonly PlannedResource[], clusters: Clusters): Map<string, string> {
  const groups = new Map(
    resources.filter(({ type }) => type === clusterType).map(({ urn }) => [parseUrn(urn).name, urn]),
  );
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const places = new Map<string, string>();
  for (const resource of resources) {
    let place: PlannedResource | undefined;
    for (let one: PlannedResource | undefined = resource; one; one = byUrn.get(one.parent ?? ""))
      if (!one.custom && one.parent !== undefined) place = one;
    if (!place) continue;
    const host = place.type === clusterType ? hostOf(parseUrn(place.urn).name, clusters) : undefined;
    places.set(resource.urn, groups.get(host ?? "") ?? place.urn);
  }
  return places;
}

/** `4 × t3.small`, and how many groups of extra machines there are. */
function noteOf(name: string, clusters: Clusters): string {
  const { size, machineType } = clusters[name] ?? {};
  const extra = Object.keys(clusters).filter((one) => one !== name && hostOf(one, clusters) === name).length;
  return `${size} × ${machineType}${extra > 0 ? `, ${extra} extra group${extra === 1 ? "" : "s"}` : ""}`;
}

/** By type, and by what becomes of them. */
function rowsOf(resources: readonly PlannedResource[], fateOf: (one: PlannedResource) => Fate): Row[] {
  const groups = Map.groupBy(resources, (one) => `${simpleType(one.type)} ${fates.indexOf(fateOf(one))}`);
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, all]) => {
      const [one] = all;
      return one ? [{ type: simpleType(one.type), count: all.length, fate: fateOf(one) }] : [];
    });
}

function gravest(found: readonly Fate[]): Fate {
  return fates.find((fate) => found.includes(fate)) ?? "same";
}

function rank({ id, kind }: Box): number {
  const order = [clientsId, "network", "load balancer", "cluster", "bucket", "release"];
  const place = order.indexOf(id === clientsId ? id : kind);
  return place < 0 ? order.length : place;
}

/** `LoadBalancer`: `load balancer`. */
function wordsOf(type: string): string {
  return type.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}

function flowsOf(
  boxes: readonly Box[],
  resources: readonly PlannedResource[],
  places: ReadonlyMap<string, string>,
  clusters: Clusters,
): Flow[] {
  const direct = linksBetween(resources, places);
  const reaches = reachOf(direct);
  const of = (kind: string) => boxes.filter((box) => box.kind === kind);
  const [networks, balancers, groups, buckets] = ["network", "load balancer", "cluster", "bucket"].map(
    of,
  ) as [Box[], Box[], Box[], Box[]];
  const weights = Object.values(clusters).reduce((sum, { weight = 0 }) => sum + weight, 0);
  const others = boxes.filter(({ id }) => id !== restId && !programTypes.includes(parseUrn(id).type));
  return [
    ...networks.map(({ id }) => ({ from: clientsId, to: id })),
    ...networks.flatMap(({ id, openings }) => [
      ...balancers.map((balancer) => ({ from: id, to: balancer.id })),
      // What the network itself opens leads to machines, past load balancers.
      ...(openings.length > 0
        ? groups.map((group) => ({ from: id, to: group.id, label: portsOf(openings) }))
        : []),
    ]),
    ...balancers.flatMap(({ id }) =>
      groups
        .filter((group) => direct.get(id)?.has(group.id))
        .map((group) => {
          const { path, weight = 0 } = clusters[group.name] ?? {};
          const share = weight > 0 && weights > 0 ? `${Math.round((100 * weight) / weights)} %` : undefined;
          const label = [path, share].filter((word) => word !== undefined).join(", ");
          return { from: id, to: group.id, ...(label && { label }) };
        }),
    ),
    ...groups.flatMap((group) => [
      ...groups
        .filter(({ id }) => id !== group.id && reaches(group.id, id))
        .map(({ id }) => ({ from: group.id, to: id, label: "sizes" })),
      ...buckets
        .filter(({ id }) => reaches(group.id, id))
        .map(({ id }) => ({ from: group.id, to: id, isBoth: true as const })),
      ...others
        .filter(({ id }) => direct.get(group.id)?.has(id))
        .map(({ id }) => ({ from: id, to: group.id, label: "rights", isQuiet: true as const })),
    ]),
    ...of("release").flatMap(({ id }) =>
      buckets.filter((bucket) => reaches(id, bucket.id)).map((bucket) => ({ from: id, to: bucket.id })),
    ),
  ];
}

/** By box, the boxes that something in it depends on. */
function linksBetween(
  resources: readonly PlannedResource[],
  places: ReadonlyMap<string, string>,
): Map<string, Set<string>> {
  const links = new Map<string, Set<string>>();
  for (const { urn, dependencies = [] } of resources) {
    const from = places.get(urn);
    if (from === undefined) continue;
    const targets = links.get(from) ?? new Set();
    links.set(from, targets);
    for (const other of dependencies) {
      const to = places.get(other);
      if (to !== undefined && to !== from) targets.add(to);
    }
  }
  return links;
}

function reachOf(links: ReadonlyMap<string, ReadonlySet<string>>) {
  return (from: string, to: string): boolean => {
    const seen = new Set([from]);
    for (const one of seen) for (const next of links.get(one) ?? []) seen.add(next);
    return seen.has(to);
  };
}

/** `load balancer edge`; what is named for its kind has no need of both. */
export function titleOf({ kind, name }: Box): string {
  return name.startsWith(kind) ? name : `${kind} ${name}`;
}

/** `tcp 22, 80`. */
export function portsOf(openings: readonly Opening[]): string {
  const byProtocol = Map.groupBy(openings, ({ port }) => /^(?:tcp|udp) /.exec(port)?.[0] ?? "");
  return [...byProtocol]
    .map(([protocol, all]) => {
      const ports = [...new Set(all.map(({ port }) => port.slice(protocol.length)))];
      return protocol + ports.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).join(", ");
    })
    .join(", ");
}

/** What becomes of resources, in the engine's words, as a picture shows it. */
export function fatesOf(changes: readonly Pick<Change, "urn" | "op">[]): Map<string, Fate> {
  return new Map(
    changes.map(({ urn, op }) => [urn, (fates as readonly string[]).includes(op) ? (op as Fate) : "same"]),
  );
}
