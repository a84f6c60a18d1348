import { variableProblem } from "../service/settings/settings.ts";
import { addressCount, cidrsOverlap, containsCidr, parseCidr } from "./cidr.ts";
import { checkController } from "./peaks.ts";
import { type CloudRules, type Draft, metricsPort, type Report, type Settings } from "./settings.ts";

type DraftCluster = NonNullable<Draft<Settings>["clusters"]>[number];

/** Reports what is wrong between values that are each valid by themselves. What is missing in a draft violates nothing. */
export function checkRelations(
  settings: Draft<Settings>,
  rules: CloudRules | undefined,
  report: Report,
): void {
  checkSubnets(settings.network ?? {}, report);
  checkClusters(settings, rules, report);
  if (rules) checkRoom(settings, rules, report);
  if (settings.app?.port === metricsPort) {
    report("app.port", metricsPort, "machines show their metrics at that port; choose another");
  }
  checkLoadBalancer(settings.loadBalancer ?? {}, report);
  if (settings.controller && rules && !rules.takesController)
    report("controller", "set", "this cloud has no extra machines by schedule yet; leave it out");
  else checkController(settings, report);
  if (settings.budget && rules && !rules.takesBudget)
    report("budget", settings.budget, "this cloud does not tell what it charges; leave it out");
  if (settings.openstack && settings.cloud !== undefined && settings.cloud !== "openstack") {
    // Not the value: there may be secrets in it.
    report("openstack", "…", "it is for OpenStack alone; leave it out");
  }
  for (const [index, { rule, resource }] of (settings.policy ?? []).entries()) {
    const twin = settings.policy?.findIndex((one) => one.rule === rule && one.resource === resource) ?? index;
    if (rule !== undefined && twin < index)
      report(`policy[${index}].rule`, rule, `policy[${twin}] is for the same: leave one of the two`);
  }
  for (const [name, value] of Object.entries(settings.app?.environment ?? {})) {
    const problem = value === undefined ? undefined : variableProblem(name, value);
    if (problem) report(`app.environment.${name}`, value, problem);
  }
}

function checkSubnets({ cidr, subnets = [] }: Draft<Settings["network"]>, report: Report): void {
  const network = parseCidr(cidr);
  const ranges = subnets.map((subnet) => parseCidr(subnet.cidr));
  for (const [index, range] of ranges.entries()) {
    if (!range) continue;
    const key = `network.subnets[${index}].cidr`;
    const value = subnets[index]?.cidr;
    if (network && !containsCidr(network, range)) report(key, value, "it must lie within network.cidr");
    const other = ranges.findIndex((earlier, at) => at < index && earlier && cidrsOverlap(earlier, range));
    if (other >= 0) report(key, value, `it must not overlap network.subnets[${other}].cidr`);
  }
}

function checkClusters(
  { clusters = [], network }: Draft<Settings>,
  rules: CloudRules | undefined,
  report: Report,
): void {
  for (const [index, cluster] of clusters.entries()) {
    const key = `clusters[${index}]`;
    const twin = clusters.findIndex(
      ({ name }, at) => at < index && name !== undefined && name === cluster.name,
    );
    if (twin >= 0) report(`${key}.name`, cluster.name, `clusters[${twin}] has that name; each needs its own`);
    checkSize(key, cluster, report);
    if (cluster.scale) checkScale(key, cluster, rules, report);
    checkPath(key, cluster, clusters.slice(0, index), report);
    checkPlaces(key, cluster.subnets ?? [], network?.subnets?.length, report);
  }
}

function checkSize(key: string, cluster: DraftCluster, report: Report): void {
  const { min, max, desired } = cluster;
  if (min === undefined) {
    if (!("desired" in cluster)) report(`${key}.min`, min, "give min, or desired");
  } else if (max !== undefined && max < min) {
    report(`${key}.max`, max, `it must be at least min, which is ${min}`);
  } else if (desired !== undefined && (desired < min || (max !== undefined && desired > max))) {
    report(`${key}.desired`, desired, `it must be from min, which is ${min}, to max, which is ${max}`);
  }
}

function checkScale(
  key: string,
  { scale, desired, min, max }: DraftCluster,
  rules: CloudRules | undefined,
  report: Report,
): void {
  const name = `${key}.scale`;
  if (rules && !rules.takesScale)
    report(name, scale, "this cloud's clusters cannot follow their load; leave it out");
  else if (desired !== undefined)
    report(name, scale, `the size is either its to set, or ${key}.desired: leave one of the two out`);
  else if (min === 0)
    report(`${key}.min`, min, "beside scale it must be at least 1: what does not run has no load");
  else if (min !== undefined && min === max)
    report(name, scale, `there is no room between min and max, which are both ${min}: raise ${key}.max`);
}

function checkPath(
  key: string,
  cluster: DraftCluster,
  earlier: readonly DraftCluster[],
  report: Report,
): void {
  const { path, weight } = cluster;
  if (weight === 0 && !("path" in cluster)) {
    const remedy = "no request would reach the cluster: give it a path, or a weight of at least 1";
    report(`${key}.weight`, weight, remedy);
  }
  if (path === undefined) return;
  const same = earlier.findIndex((other) => other.path === path);
  const above = earlier.findIndex((other) => other.path !== undefined && path.startsWith(`${other.path}/`));
  if (same >= 0) report(`${key}.path`, path, `clusters[${same}] has that path; each needs its own`);
  else if (above >= 0) {
    const remedy = `clusters[${above}] takes its requests, being tried first: put this cluster before that one`;
    report(`${key}.path`, path, remedy);
  }
}

function checkPlaces(
  key: string,
  places: readonly number[],
  subnets: number | undefined,
  report: Report,
): void {
  for (const [at, place] of places.entries()) {
    const name = `${key}.subnets[${at}]`;
    if (subnets !== undefined && place >= subnets) {
      report(
        name,
        place,
        `network.subnets has ${subnets}, so it must be ${subnets > 1 ? `from 0 to ${subnets - 1}` : "0"}`,
      );
    } else if (places.indexOf(place) < at) report(name, place, "it is in the list already");
  }
}

/**
 * A cluster's machines are spread evenly over those of its subnets that the cloud takes addresses from. All extra machines
 * may be one cluster's; the controller is in the subnets of the first.
 */
function checkRoom(
  { network, clusters = [], rollout = {}, controller }: Draft<Settings>,
  rules: CloudRules,
  report: Report,
): void {
  const extra = controller ? rules.mostAtOnce(controller.maxMachines ?? 0, rollout) : 0;
  const control = controller ? rules.mostAtOnce(rules.controllers ?? 1, rollout) : 0;
  for (const [place, { cidr }] of (network?.subnets ?? []).entries()) {
    const range = parseCidr(cidr);
    if (!range || !network) continue;
    const needs = clusters.map(({ max = 0, subnets = [] }, at) => {
      const places = new Set(rules.placesOf?.(subnets) ?? subnets);
      const share = (machines: number) => (places.has(place) ? Math.ceil(machines / places.size) : 0);
      const own = share(rules.mostAtOnce(max, rollout)) + (at === 0 ? share(control) : 0);
      return { own, extra: share(extra) };
    });
    const needed = needs.reduce((sum, { own }) => sum + own, Math.max(0, ...needs.map(({ extra }) => extra)));
    const room = rules.roomIn(network, place, controller ? 2 : 1);
    if (needed <= room) continue;
    const prefix = 32 - Math.ceil(Math.log2(needed + addressCount(range) - room));
    const remedy = `it has room for ${Math.max(0, room)} machines, and ${needed} may be placed in it while they are rolled: make it a /${prefix} or larger`;
    report(`network.subnets[${place}].cidr`, cidr, remedy);
  }
}

/**
 * Every image that is named for machines, by its key.
 * @returns of those that are there, where each stands and what it is
 */
export function imagesIn({
  image,
  clusters = [],
  controller,
}: Draft<Settings>): [key: string, image: string][] {
  const all: [string, string | undefined][] = [
    ["image", image],
    ...clusters.map((cluster, index): [string, string | undefined] => [
      `clusters[${index}].image`,
      cluster.image,
    ]),
    ...Object.entries(controller?.images ?? {}).map(([name, image]): [string, string | undefined] => [
      `controller.images.${name}`,
      image,
    ]),
  ];
  return all.filter((one): one is [string, string] => one[1] !== undefined);
}

/**
 * Reports each key that is set, and not to `false` or nothing, though a cloud has no use for it.
 * @param reasons by key, `[]` for each item of a list: `clusters[].diskGiB`
 */
export function refuse(
  settings: Draft<Settings>,
  reasons: Readonly<Record<string, string>>,
  report: Report,
): void {
  for (const [pattern, reason] of Object.entries(reasons)) {
    for (const [key, value] of valuesAt(settings, pattern)) {
      const isNothing = typeof value === "object" && value !== null && Object.keys(value).length === 0;
      if (value !== undefined && value !== false && !isNothing) report(key, value, `${reason}; leave it out`);
    }
  }
}

function valuesAt(value: unknown, pattern: string): [key: string, value: unknown][] {
  let found: [string, unknown][] = [["", value]];
  for (const word of pattern.split(".")) {
    const name = word.replace("[]", "");
    found = found.flatMap(([path, parent]) => {
      const part = (parent as Record<string, unknown> | undefined)?.[name];
      const key = path === "" ? name : `${path}.${name}`;
      if (!word.endsWith("[]")) return [[key, part]];
      return Array.isArray(part)
        ? part.map((item, index): [string, unknown] => [`${key}[${index}]`, item])
        : [];
    });
  }
  return found;
}

function checkLoadBalancer({ allow, healthCheck }: Draft<Settings["loadBalancer"]>, report: Report): void {
  if (!allow) {
    const remedy = 'say who may reach the app, whoever deploys among them, such as ["203.0.113.7/32"]';
    report("loadBalancer.allow", allow, remedy);
  }
  const { intervalSeconds: interval, timeoutSeconds: timeout } = healthCheck ?? {};
  if (interval !== undefined && timeout !== undefined && timeout >= interval) {
    const remedy = `it must be less than intervalSeconds, which is ${interval}`;
    report("loadBalancer.healthCheck.timeoutSeconds", timeout, remedy);
  }
}
