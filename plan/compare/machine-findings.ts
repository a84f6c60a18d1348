import { parseUrn } from "../../operations/urn.ts";
import type { Change } from "../changes.ts";
import { simpleType } from "../labels.ts";
import { readable } from "../names.ts";
import { plural } from "../texts.ts";
import type { CloudEdits } from "./cloud-edits.ts";
import { tokenOf } from "./collisions.ts";
import type { Finding } from "./comparison.ts";
import { type ClusterFacts, type PlanFacts, releaseChange, renamedClusters } from "./facts.ts";

interface Material {
  readonly changes: readonly Change[];
  readonly before: PlanFacts;
  readonly after: PlanFacts;
  readonly edits: CloudEdits;
}

/** Clusters whose machines are replaced, in alphabetical order. */
export function rolledClusters({ changes, edits }: Pick<Material, "changes" | "edits">): string[] {
  const rolled =
    edits.rolledBy?.(changes) ??
    changes.filter((change) => edits.rolls(change)).map(({ urn }) => parseUrn(urn).name);
  return [...new Set(rolled)].sort();
}

/** What becomes of machines and of requests meanwhile. */
export function machineFindings(material: Material, interrupts: boolean): Finding[] {
  const first = goesFirst(material);
  const clusters = clusterFindings(material);
  const isSmooth = !interrupts && ![...first, ...clusters].some(({ severity }) => severity !== "notice");
  return [
    ...rollingFindings(material, isSmooth),
    ...movedFindings(material),
    ...first,
    ...clusters,
    ...routeFindings(material),
    ...countFindings(material),
  ];
}

/** `one (5), two (4)`; of groups beside the clusters' own nobody knows how many machines they have. */
function sized(names: readonly string[], clusters: PlanFacts["clusters"]): string {
  return names
    .map((name) => (Object.hasOwn(clusters, name) ? `${name} (${clusters[name]?.size})` : name))
    .join(", ");
}

/** Clusters whose group of machines is another one. */
function regrouped(names: readonly string[], { changes, after }: Material): string[] {
  const replaced = changes.flatMap(({ op, after }) => (op === "replace" && after?.custom ? [after] : []));
  return names.filter((name) => {
    const group = String(after.clusters[name]?.group);
    return replaced.some((one) => group.includes(tokenOf(one)));
  });
}

function movedFindings({ changes, edits }: Material): Finding[] {
  const moved = changes.filter(
    ({ op, changed, after }) =>
      op === "update" && after && changed.includes(edits.places?.[after.type] ?? ""),
  );
  if (moved.length === 0) return [];
  const names = moved.map(({ urn }) => parseUrn(urn).name).sort();
  const text = `machines stand elsewhere: those where none belong any more are replaced by others (${names.join(", ")})`;
  return [{ severity: "caution", topic: "service", text, urns: moved.map(({ urn }) => urn) }];
}

function rollingFindings(material: Material, isSmooth: boolean): Finding[] {
  const { before, after, edits, changes } = material;
  const rolled = rolledClusters(material);
  if (rolled.length === 0) return [];
  const count = rolled.reduce((sum, name) => sum + (after.clusters[name]?.size ?? 0), 0);
  const release = releaseChange(before, after);
  const build = release === undefined ? "" : `${release}: `;
  const share = healthyShare(after);
  const few = share === 100 ? "while the others serve" : `while at least ${share} % of each cluster serve`;
  const anew = regrouped(rolled, material).length > 0;
  const meanwhile = anew
    ? "and come beside the old ones, which go at the end"
    : (edits.rolling ?? `a few at a time, ${few}`);
  const lost = isSmooth && !anew && share === 100 ? "; no request is lost" : "";
  const many = rolled.every((name) => Object.hasOwn(after.clusters, name))
    ? plural(count, "machine")
    : "machines";
  const isOne = many.startsWith("1 ");
  const verb = anew ? (isOne ? "is made anew" : "are made anew") : isOne ? "rolls" : "roll";
  const who = sized(rolled, after.clusters);
  const text = `${build}${many} ${verb}, ${meanwhile}${lost}: ${who}`;
  const isRolled = (change: Change) =>
    change.op !== "same" && rolled.includes(parseUrn(change.urn).name) && edits.rolls(change);
  const urns = changes.filter(isRolled).map(({ urn }) => urn);
  return [{ severity: share === 0 ? "danger" : "caution", topic: "service", text, urns }];
}

/** In percent: `rollout.minHealthyPercent`. */
function healthyShare({ config }: PlanFacts): number {
  const rollout = JSON.parse(config["switchyard:rollout"] ?? "{}") as { minHealthyPercent?: number };
  return rollout.minHealthyPercent ?? 100;
}

/** What every request passes. */
const passages = [
  "LoadBalancer",
  "Listener",
  "GlobalAddress",
  "GlobalForwardingRule",
  "URLMap",
  "FloatingIp",
];

function goesFirst({ changes }: Material): Finding[] {
  const first = changes.filter(
    ({ op, deletesFirst, after }) => op === "replace" && deletesFirst && after?.custom,
  );
  const finding = (severity: Finding["severity"], text: string, urns: readonly string[]): Finding[] =>
    urns.length === 0
      ? []
      : [{ severity, topic: "service", text: `${text}: ${urns.map(readable).join(", ")}`, urns }];
  const isPassage = ({ urn }: Change) => passages.includes(simpleType(parseUrn(urn).type));
  const urnsOf = (some: readonly Change[]) => some.map(({ urn }) => urn);
  return [
    ...finding(
      "danger",
      "requests are lost, because this is deleted before it is made again",
      urnsOf(first.filter(isPassage)),
    ),
    ...finding(
      "caution",
      "deleted before it is made again",
      urnsOf(first.filter((change) => !isPassage(change))),
    ),
  ];
}

function clusterFindings({ before, after, edits }: Material): Finding[] {
  const names = [...new Set([...Object.keys(before.clusters), ...Object.keys(after.clusters)])].sort();
  const renames = renamedClusters(before, after);
  return names.flatMap((name): Finding[] => {
    const [old, now] = [before.clusters[name], after.clusters[name]];
    const finding = (severity: Finding["severity"], text: string): Finding[] => [
      { severity, topic: "service", text: `cluster ${name} ${text}`, urns: clusterUrns(name, before, after) },
    ];
    if (renames.some(([, heir]) => heir === name)) return [];
    const heir = renames.find(([former]) => former === name)?.[1];
    if (heir !== undefined) {
      return finding(
        "caution",
        `becomes ${heir}: to the cloud it is another one, which comes first, and ${name} goes at the end; ${edits.newCluster}`,
      );
    }
    if (!old && now) {
      const where = now.path === undefined ? "" : ` at ${now.path}`;
      const isAsked = now.path !== undefined || (now.weight ?? 0) > 0;
      if (!isAsked) return finding("notice", `comes with ${plural(now.size, "machine")}`);
      return finding("caution", `comes${where}: ${edits.newCluster}`);
    }
    if (old && !now) {
      const path =
        old.path === undefined ? "" : `, and so does its path ${old.path}, unless another cluster has it`;
      const isAsked = old.path !== undefined || (old.weight ?? 0) > 0;
      return finding(isAsked ? "caution" : "notice", `goes${path}`);
    }
    if (old?.path === now?.path) return [];
    const was = `(was ${old?.path ?? "none"})`;
    return now?.path === undefined
      ? finding("caution", `has no path any more ${was}: it gets its share of what matches no path`)
      : finding("caution", `has the path ${now.path} ${was}: ${edits.otherPath}`);
  });
}

function clusterUrns(name: string, ...plans: readonly PlanFacts[]): string[] {
  const urns = plans.flatMap(({ resources }) => resources.map(({ urn }) => urn));
  return [
    ...new Set(
      urns.filter((urn) => {
        const parts = parseUrn(urn);
        return parts.type === "switchyard:index:Cluster" && parts.name === name;
      }),
    ),
  ];
}

/** Who gets which requests, as the load balancer's component says it. */
function routeFindings({ changes }: Material): Finding[] {
  return changes.flatMap(({ urn, before, after }): Finding[] => {
    if (parseUrn(urn).type !== "switchyard:index:LoadBalancer") return [];
    const [olds, news] = [before, after].map((one) => (one?.inputs?.routes ?? []) as readonly string[]);
    if (!olds || !news || !before || !after || olds.join() === news.join()) return [];
    const come = news.filter((route) => !olds.includes(route));
    const gone = olds.filter((route) => !news.includes(route));
    const isOrder = come.length === 0 && gone.length === 0;
    const told = [...come, ...(come.length === 0 ? gone.map((route) => `no more ${route}`) : [])];
    const text = isOrder
      ? `paths are tried in this order: ${news.join("; ")}`
      : `requests go: ${told.join("; ")}`;
    return [{ severity: "notice", topic: "service", text, urns: [urn] }];
  });
}

function countFindings({ changes, before, after }: Material): Finding[] {
  if (changes.every(({ op }) => op === "same")) return [];
  const total = ({ clusters }: PlanFacts) => Object.values(clusters).reduce((sum, { size }) => sum + size, 0);
  const words = (facts: ClusterFacts | undefined) =>
    facts ? `${facts.size} × ${facts.machineType}` : "none";
  const names = [...new Set([...Object.keys(before.clusters), ...Object.keys(after.clusters)])].sort();
  const other = names.filter((name) => words(before.clusters[name]) !== words(after.clusters[name]));
  const [old, now] = [total(before), total(after)];
  const each = other.map(
    (name) => `${name} ${words(before.clusters[name])} → ${words(after.clusters[name])}`,
  );
  const text =
    other.length === 0
      ? `machines: ${now}, as before`
      : `machines: ${old === now ? now : `${old} → ${now}`} (${each.join("; ")})`;
  return [
    {
      severity: "notice",
      topic: "machines",
      text,
      urns: other.flatMap((name) => clusterUrns(name, before, after)),
    },
  ];
}

/** What every cloud's components say of themselves, where resources may say it in many words, or not at all. */
export function componentFindings({
  changes,
  exposed,
}: {
  readonly changes: readonly Change[];
  readonly exposed: boolean;
}): Finding[] {
  return changes.flatMap(({ urn, before, after }): Finding[] => {
    const { type } = parseUrn(urn);
    const [old, now] = [before?.inputs ?? {}, after?.inputs ?? {}];
    if (!before || !after) return [];
    const found: Finding[] = [];
    const who = parseUrn(urn).name === "edge" ? "the load balancer" : readable(urn);
    const add = (topic: Finding["topic"], text: string) =>
      found.push({ severity: "caution", topic, text, urns: [urn] });
    if (type === "switchyard:index:LoadBalancer") {
      if (old.port !== now.port)
        add("address", `${who} listens on port ${now.port}, and no more on ${old.port}`);
      const [olds, news] = [old.allow, now.allow] as [readonly string[], readonly string[]];
      const come = news.filter((range) => !olds.includes(range));
      const gone = olds.filter((range) => !news.includes(range));
      if (!exposed && come.length > 0) add("exposure", `${who} lets in ${come.join(", ")}`);
      if (!exposed && gone.length > 0) add("exposure", `${who} lets in ${gone.join(", ")} no more`);
    }
    if (type === "switchyard:index:Network" && old.cidr !== now.cidr)
      add("service", `the network's range is ${now.cidr} (was ${old.cidr})`);
    return found;
  });
}
