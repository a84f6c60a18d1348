import { byId, make } from "../../../service/page/dom.ts";
import type { ClusterView, DeploymentView, MachineView } from "../state.ts";

/** Pause between two looks, in milliseconds; how many of them the lines show. */
const everyMs = 1_000;
const shown = 120;

/** By cluster: requests per second, look by look. */
const rates = new Map<string, number[]>();

const svg = "http://www.w3.org/2000/svg";

function age(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** Requests per second of late as a line, from the left; its top is the most of them. */
function rateLine(name: string): Element {
  const values = rates.get(name) ?? [];
  const top = Math.max(1, ...values);
  const picture = document.createElementNS(svg, "svg");
  picture.setAttribute("class", "rate");
  picture.setAttribute("viewBox", `0 0 ${shown - 1} 40`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `Requests per second of ${name} of late, ${Math.round(top)} at most`);
  const line = document.createElementNS(svg, "polyline");
  const start = shown - values.length;
  line.setAttribute(
    "points",
    values.map((value, index) => `${start + index},${(38 - (value / top) * 36).toFixed(1)}`).join(" "),
  );
  picture.append(line);
  return picture;
}

function machine({ id, address, health, release, ageSeconds, requestsPerSecond }: MachineView): HTMLElement {
  const words = ["healthy", "unhealthy", "starting"];
  const rate = requestsPerSecond === undefined ? "" : ` · ${requestsPerSecond}/s`;
  return make(
    "li",
    { class: words.includes(health) ? health : "" },
    make("span", { class: "name" }, make("span", {}, id), make("span", {}, health)),
    make("span", { class: "more" }, `${address}${rate}`),
    make("span", { class: "more", title: release }, `${release.slice(0, 12)} · ${age(ageSeconds)}`),
  );
}

function fact(label: string, value: string, isAlarm = false): HTMLElement {
  return make("span", { class: isAlarm ? "alarm" : "" }, `${label} `, make("strong", {}, value));
}

function cluster(view: ClusterView, counts: boolean): HTMLElement {
  const { name, path, weight, machineType, size, machines, requestsPerSecond, errorShare, change } = view;
  const healthy = machines.filter(({ health }) => health === "healthy").length;
  const facts = make(
    "div",
    { class: "facts" },
    fact("Machines", `${healthy} of ${size} × ${machineType}`, healthy < size),
    ...(path === undefined ? [] : [fact("Path", path)]),
    ...(weight > 0 ? [fact("Weight", String(weight))] : []),
    ...(requestsPerSecond === undefined ? [] : [fact("Requests", `${requestsPerSecond}/s`)]),
    ...(errorShare === undefined
      ? []
      : [fact("Failed", `${(errorShare * 100).toFixed(1)} %`, errorShare > 0)]),
  );
  const section = make("section", { label: name }, make("h2", {}, name), facts);
  if (counts) section.append(rateLine(name));
  if (change !== undefined) section.append(make("p", { class: "change" }, change));
  section.append(make("ul", { class: "machines" }, ...machines.map(machine)));
  return section;
}

function show(view: DeploymentView): void {
  const { stack, cloud, url, controllerUrl, release, clusters, counts } = view;
  document.title = `${stack}: deployment`;
  byId("title").textContent = `Stack ${stack}`;
  const link = (href: string, text: string) => {
    const element = make("a", {}, text);
    element.setAttribute("href", href);
    return element;
  };
  byId("links").replaceChildren(
    link(url, url),
    ...(controllerUrl === undefined ? [] : [link(controllerUrl, "Schedules")]),
  );
  const machines = clusters.flatMap((one) => one.machines);
  const healthy = machines.filter(({ health }) => health === "healthy").length;
  const summary = byId("summary");
  const uncounted = counts ? "" : " Requests are not counted: machines' metrics cannot be reached from here.";
  const text = `On ${cloud}, release ${release.slice(0, 12)}: ${healthy} of ${machines.length} machines are healthy.${uncounted}`;
  // What is the same is not read out again.
  if (summary.textContent !== text) summary.textContent = text;
  summary.className = "";
  for (const { name, requestsPerSecond = 0 } of clusters)
    rates.set(name, [...(rates.get(name) ?? []), requestsPerSecond].slice(-shown));
  byId("clusters").replaceChildren(...clusters.map((one) => cluster(one, counts)));
}

async function look(): Promise<void> {
  try {
    const answer = await fetch("state");
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.message);
    show(told);
  } catch (error) {
    const summary = byId("summary");
    summary.textContent = `What is shown is old: ${(error as Error).message}`;
    summary.className = "stale";
  }
  setTimeout(look, everyMs);
}

void look();
