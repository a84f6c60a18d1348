import {
  ApiError,
  call,
  type Group,
  type HappenedEvent,
  type Occurrence,
  type Schedule,
  token,
} from "./api.ts";
import { byId } from "./dom.ts";
import { openEditor } from "./editor.ts";
import { eventItem, groupItem, scheduleItem } from "./list.ts";
import { drawWeek } from "./timeline.ts";
import { midnights, shown, weekStart } from "./times.ts";

/** How often what is shown is asked for anew while somebody looks, in milliseconds. */
const refreshMs = 15_000;
/** How many schedules and events are shown at once. */
const pageSize = 50;

const message = byId("message");
const deletion = byId<HTMLDialogElement>("deletion");
const tokenDialog = byId<HTMLDialogElement>("token");

let week = 0;
let shownCount = pageSize;
let schedules: readonly Schedule[] = [];
let groups: readonly Group[] = [];
let maxMachines = 0;
let turn = 0;

/** Asks for all that is shown, and shows it; what is asked for later wins. */
async function refresh(): Promise<void> {
  turn += 1;
  const mine = turn;
  const monday = weekStart(week);
  const days = midnights(monday);
  const time = (instant = 0) => encodeURIComponent(new Date(instant).toISOString());
  try {
    const [all, machines, periods, events] = await Promise.all([
      call<Schedule[]>("schedules"),
      call<Group[]>("groups"),
      call<Occurrence[]>(`occurrences?begin=${time(days[0])}&finish=${time(days[7])}`),
      call<HappenedEvent[]>("events"),
    ]);
    if (mine !== turn) return;
    schedules = all.content;
    groups = machines.content;
    maxMachines = machines.maxMachines ?? 0;
    showList();
    byId("groups").replaceChildren(...groups.map(groupItem));
    byId("events").replaceChildren(...events.content.slice(0, pageSize).map(eventItem));
    byId("summary").textContent = drawWeek(byId("timeline"), monday, schedules, periods.content, maxMachines);
    byId("week-title").textContent =
      `Week of ${monday.toLocaleDateString(undefined, { day: "numeric", month: "long" })}`;
    if (message.dataset.kind === "failure") say("");
  } catch (error) {
    if (mine === turn) say(`What is shown may be old: ${(error as Error).message}`, "failure");
  }
}

function say(text: string, kind = "done"): void {
  message.textContent = text;
  message.dataset.kind = kind;
  message.classList.toggle("problem", kind === "failure");
}

function showList(): void {
  const wanted = byId<HTMLInputElement>("find").value.trim().toLowerCase();
  const found = schedules.filter(({ name, cluster, state }) =>
    `${name} ${cluster} ${state}`.toLowerCase().includes(wanted),
  );
  const items = found.slice(0, shownCount).map((schedule) => scheduleItem(schedule, { edit, remove }));
  const list = byId("list");
  // Whoever is on a button of the list by keyboard stays on it.
  const focused = list.contains(document.activeElement)
    ? document.activeElement?.getAttribute("aria-label")
    : null;
  list.replaceChildren(...items);
  if (focused) list.querySelector<HTMLElement>(`[aria-label=${CSS.escape(focused)}]`)?.focus();
  if (items.length === 0)
    list.textContent = schedules.length === 0 ? "There is none yet." : "None is like that.";
  byId("more").hidden = found.length <= shownCount;
}

const saved = (text: string) => {
  say(text);
  void refresh();
};

/** Does something that needs the token; asks for that first, where there is none. */
function withToken(work: () => void): void {
  const then = () => {
    if (token.get()) work();
  };
  if (token.get()) then();
  else {
    tokenDialog.addEventListener("close", then, { once: true });
    tokenDialog.showModal();
  }
}

const edit = (schedule: Schedule) => withToken(() => openEditor(groups, schedule, saved));

/** Says what a deletion stops, and does it when it is confirmed. */
function remove(schedule: Schedule): void {
  const { name, machinesNow, machines, state, current, next } = schedule;
  const runs = state === "active" || state === "ending";
  const parts = [
    runs
      ? `'${name}' is active: ${machinesNow} of its ${machines} machines run. They finish their requests, and stop.`
      : `'${name}' is not active: no machine stops.`,
    next ? `It would begin again on ${shown(next.start)}; it will not.` : "",
    runs && current?.end ? `Deleted at its end, its machines stay until ${shown(current.end)}.` : "",
  ];
  byId("deletion-title").textContent = `Delete '${name}'?`;
  byId("deletion-text").textContent = parts.filter(Boolean).join(" ");
  const atEnd = byId<HTMLButtonElement>("delete-end");
  atEnd.hidden = !(runs && current?.end);
  const ask = (query: string) => () => {
    deletion.close();
    withToken(() => void doRemove(schedule, query));
  };
  byId("delete-now").onclick = ask("");
  atEnd.onclick = ask("?when=end");
  deletion.showModal();
  byId("keep").focus();
}

async function doRemove({ id, version }: Schedule, query: string): Promise<void> {
  try {
    const headers = { "if-match": `"${version}"` };
    saved((await call(`schedules/${id}${query}`, { method: "DELETE", headers })).message);
  } catch (error) {
    say((error as Error).message, "failure");
    if (error instanceof ApiError && error.status === 412) void refresh();
  }
}

byId("keep").addEventListener("click", () => deletion.close());
byId("add").addEventListener("click", () => withToken(() => openEditor(groups, undefined, saved)));
byId("find").addEventListener("input", showList);
byId("more").addEventListener("click", () => {
  shownCount += pageSize;
  showList();
});
for (const [id, change] of [
  ["before", () => week - 1],
  ["today", () => 0],
  ["after", () => week + 1],
] as const)
  byId(id).addEventListener("click", () => {
    week = change();
    void refresh();
  });

const tokenField = byId<HTMLInputElement>("token-value");
byId("token-open").addEventListener("click", () => tokenDialog.showModal());
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set(tokenField.value.trim());
  tokenField.value = "";
  tokenDialog.close();
});
byId("token-forget").addEventListener("click", () => {
  token.set("");
  tokenField.value = "";
  tokenDialog.close();
});

setInterval(() => {
  if (document.visibilityState === "visible") void refresh();
}, refreshMs);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void refresh();
});
void refresh();
