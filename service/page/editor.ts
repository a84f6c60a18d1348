import { ApiError, call, type Group, type Schedule, token } from "./api.ts";
import { byId, make } from "./dom.ts";
import { daysAndTime } from "./list.ts";
import { fromField, ownZone, shown, toField, weekdays } from "./times.ts";

/** How long nothing is typed before the controller is asked what the schedule would be, in milliseconds. */
const quietMs = 350;

const dialog = byId<HTMLDialogElement>("editor");
const form = byId<HTMLFormElement>("form");
const preview = byId("preview");

const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement;
const text = (name: string) => field(name).value.trim();
const kind = () => (form.elements.namedItem("kind") as RadioNodeList).value;

let groups: readonly Group[] = [];
let edited: Schedule | undefined;
/** The same for each attempt to save what is in the form, so that two make one schedule. */
let idempotencyKey = "";
let onSaved: (message: string) => void = () => {};
let trial = new AbortController();
let timer: number | undefined;

for (const { cron, name } of weekdays) {
  const box = make("input", { type: "checkbox" }) as HTMLInputElement;
  box.name = "day";
  box.value = String(cron);
  byId("days").append(make("label", { class: "inline" }, box, name));
}
byId("zones").append(
  ...Intl.supportedValuesOf("timeZone").map((zone) => {
    const option = document.createElement("option");
    option.value = zone;
    return option;
  }),
);

const dayBoxes = () => [...form.querySelectorAll<HTMLInputElement>('input[name="day"]')];

/** What is in the form, as the API takes it. */
function scheduleInForm(): Record<string, unknown> {
  const shared = {
    name: text("name"),
    cluster: field("cluster").value,
    machines: Number(text("machines")),
    flavor: field("flavor").value,
    ...(field("image").value !== "default" && { image: field("image").value }),
    ...(Number(text("leadMinutes")) !== 0 && { leadMinutes: Number(text("leadMinutes")) }),
  };
  if (kind() === "once")
    return {
      ...shared,
      start: fromField(text("start")),
      ...(text("end") && { end: fromField(text("end")) }),
    };
  const days = dayBoxes()
    .filter(({ checked }) => checked)
    .map(({ value }) => value);
  const [hour = "", minute = ""] = text("time").split(":");
  const list = days.length === 7 ? "*" : days.join(",");
  const except = text("except")
    .split(/[\s,]+/)
    .filter(Boolean);
  return {
    ...shared,
    cron: text("cron") || `${Number(minute)} ${Number(hour)} * * ${list}`,
    durationMinutes: Number(text("durationMinutes")),
    timeZone: text("timeZone"),
    ...(text("from") && { from: text("from") }),
    ...(text("until") && { until: text("until") }),
    ...(except.length > 0 && { except }),
  };
}

/** Offers what goes together: the flavors of the cluster, the images of both. */
function offerChoices(): void {
  const choose = (name: string, values: readonly string[]) => {
    const select = form.elements.namedItem(name) as HTMLSelectElement;
    const before = select.value;
    select.replaceChildren(
      ...[...new Set(values)].map((value) => {
        const option = document.createElement("option");
        option.value = value;
        option.textContent = name === "image" && value === "default" ? "the cluster's own" : value;
        return option;
      }),
    );
    if (values.includes(before)) select.value = before;
    return select.value;
  };
  const cluster = choose(
    "cluster",
    groups.map((group) => group.cluster),
  );
  const ofCluster = groups.filter((group) => group.cluster === cluster);
  const flavor = choose(
    "flavor",
    ofCluster.map((group) => group.flavor),
  );
  choose(
    "image",
    ofCluster.filter((group) => group.flavor === flavor).map((group) => group.image),
  );
}

function showKind(): void {
  byId("recurring").hidden = kind() !== "recurring";
  byId("once").hidden = kind() !== "once";
}

/** Says what the schedule in the form would be, a moment after the last change. */
function askLater(): void {
  clearTimeout(timer);
  trial.abort();
  timer = window.setTimeout(() => void ask(), quietMs);
}

async function ask(): Promise<void> {
  if (!text("name")) return preview.replaceChildren();
  if (!token.get()) return preview.replaceChildren("Give the token to see when this is, and to save it.");
  trial = new AbortController();
  const { signal } = trial;
  try {
    const { content } = await call<Schedule>("schedules?dryRun=true", {
      method: "POST",
      body: scheduleInForm(),
      signal,
    });
    if (!signal.aborted) preview.replaceChildren(...previewOf(content));
  } catch (error) {
    if (!signal.aborted) preview.replaceChildren(make("div", { class: "problem" }, problemOf(error)));
  }
}

function problemOf(error: unknown): string {
  return error instanceof ApiError
    ? error.message
    : `The controller does not answer: ${(error as Error).message}`;
}

/** The next periods, by the schedule's clock and by the reader's. */
function previewOf({ occurrences = [], timeZone = ownZone }: Schedule): HTMLElement[] {
  const both = timeZone !== ownZone;
  const row = (cells: readonly string[], tag: string) =>
    make("tr", {}, ...cells.map((cell) => make(tag, {}, cell)));
  const periods = occurrences.map(({ start, end }) => {
    const in_ = (zone: string) => `${shown(start, zone)}${end ? ` – ${shown(end, zone)}` : ""}`;
    return row(both ? [in_(timeZone), in_(ownZone)] : [in_(timeZone)], "td");
  });
  const heads = row(
    both ? [`Next, in ${timeZone}`, `For you, in ${ownZone}`] : [`Next, in ${timeZone}`],
    "th",
  );
  return [make("table", {}, make("thead", {}, heads), make("tbody", {}, ...periods))];
}

export function openEditor(
  all: readonly Group[],
  schedule: Schedule | undefined,
  saved: (message: string) => void,
): void {
  groups = all;
  edited = schedule;
  onSaved = saved;
  idempotencyKey = crypto.randomUUID();
  form.reset();
  preview.replaceChildren();
  byId("editor-title").textContent = schedule ? "Change a schedule" : "Add a schedule";
  offerChoices();
  field("timeZone").value = ownZone;
  for (const box of dayBoxes()) box.checked = !["0", "6"].includes(box.value);
  if (schedule) fill(schedule);
  showKind();
  dialog.showModal();
  if (schedule) askLater();
}

function fill(schedule: Schedule): void {
  const put = (name: string, value: string | number | undefined) => {
    if (value !== undefined) field(name).value = String(value);
  };
  put("name", schedule.name);
  put("cluster", schedule.cluster);
  offerChoices();
  put("flavor", schedule.flavor);
  offerChoices();
  put("image", schedule.image);
  put("machines", schedule.machines);
  put("leadMinutes", schedule.leadMinutes);
  for (const radio of form.querySelectorAll<HTMLInputElement>('input[name="kind"]'))
    radio.checked = radio.value === (schedule.start ? "once" : "recurring");
  put("start", schedule.start && toField(schedule.start));
  put("end", schedule.end && toField(schedule.end));
  const simple = schedule.cron ? daysAndTime(schedule.cron) : undefined;
  if (simple) {
    put("time", simple.time);
    for (const box of dayBoxes()) box.checked = simple.days.includes(Number(box.value));
  } else put("cron", schedule.cron);
  put("durationMinutes", schedule.durationMinutes);
  put("timeZone", schedule.timeZone);
  put("from", schedule.from);
  put("until", schedule.until);
  put("except", schedule.except?.join(", "));
}

async function save(): Promise<void> {
  const button = byId<HTMLButtonElement>("save");
  button.disabled = true;
  try {
    const body = scheduleInForm();
    const { message } = edited
      ? await call(`schedules/${edited.id}`, {
          method: "PATCH",
          body: { ...withoutOthers(edited, body), ...body },
          headers: { "if-match": `"${edited.version}"` },
        })
      : await call("schedules", { method: "POST", body, headers: { "idempotency-key": idempotencyKey } });
    dialog.close();
    onSaved(message);
  } catch (error) {
    // Whatever was refused may be sent anew, once it is changed.
    if (error instanceof ApiError && error.status < 500) idempotencyKey = crypto.randomUUID();
    preview.replaceChildren(make("div", { class: "problem" }, problemOf(error)));
  } finally {
    button.disabled = false;
  }
}

/** Takes away the keys that the schedule has and the form has not any more. */
function withoutOthers(schedule: Schedule, body: Record<string, unknown>): Record<string, null> {
  const keys = [
    "image",
    "leadMinutes",
    "start",
    "end",
    "cron",
    "durationMinutes",
    "timeZone",
    "from",
    "until",
    "except",
  ];
  return Object.fromEntries(
    keys.filter((key) => key in schedule && !(key in body)).map((key) => [key, null]),
  );
}

form.addEventListener("input", () => {
  offerChoices();
  showKind();
  askLater();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  trial.abort();
  void save();
});
byId("cancel").addEventListener("click", () => dialog.close());
