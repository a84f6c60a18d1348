import type { Group, HappenedEvent, Schedule } from "./api.ts";
import { make } from "./dom.ts";
import { shown, timeElement, weekdays } from "./times.ts";

const states = {
  waiting: "waiting",
  active: "active",
  ending: "active, then deleted",
  missed: "missed",
  over: "over",
} as const;

/** When a schedule is active, in words. */
export function whenOf({
  cron = "",
  durationMinutes = 0,
  timeZone = "",
  start,
  end,
  from,
  until,
}: Schedule): string {
  if (start) return end ? `${shown(start)} to ${shown(end)}` : `from ${shown(start)} until it is deleted`;
  const lasts = durationMinutes % 60 === 0 ? `${durationMinutes / 60} h` : `${durationMinutes} min`;
  const range = [from && `from ${from}`, until && `to ${until}`].filter(Boolean).join(" ");
  return [`${startsOf(cron)} for ${lasts}`, `(${timeZone})`, range].filter(Boolean).join(" ");
}

/** The days and the time of a cron expression that has nothing else, in words; else the expression. */
function startsOf(cron: string): string {
  const simple = daysAndTime(cron);
  if (!simple) return `at ${cron}`;
  const days = weekdays.filter(({ cron: day }) => simple.days.includes(day)).map(({ name }) => name);
  return `${days.length === 7 ? "daily" : days.join(", ")} at ${simple.time}`;
}

/** What of a cron expression the form has fields for. */
export function daysAndTime(
  cron: string,
): { readonly days: readonly number[]; readonly time: string } | undefined {
  const [, minute = "", hour = "", list = ""] =
    /^(\d{1,2}) (\d{1,2}) \* \* (\*|[0-6](?:[,-][0-6])*)$/.exec(cron) ?? [];
  if (!minute || Number(minute) > 59 || Number(hour) > 23) return undefined;
  const all = [0, 1, 2, 3, 4, 5, 6];
  const days =
    list === "*"
      ? all
      : list.split(",").flatMap((part) => {
          const [first = 0, last = first] = part.split("-").map(Number);
          return all.filter((day) => day >= first && day <= last);
        });
  return { days, time: `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}` };
}

export interface Actions {
  readonly edit: (schedule: Schedule) => void;
  readonly remove: (schedule: Schedule) => void;
}

export function scheduleItem(schedule: Schedule, { edit, remove }: Actions): HTMLElement {
  const { name, state, machines, machinesNow, cluster, flavor, image, source, current, next, problem } =
    schedule;
  const running = state === "active" || state === "ending";
  const now = running && current?.end ? make("span", {}, " · until ", timeElement(current.end)) : undefined;
  const then = next ? make("span", {}, " · next ", timeElement(next.start)) : undefined;
  const what = make(
    "div",
    { class: "what" },
    make("strong", {}, name),
    " ",
    make("span", { class: `state ${state}` }, states[state]),
    make(
      "div",
      {},
      `${machines} × ${flavor}${image ? ` (${image})` : ""} for ${cluster}${running ? `, ${machinesNow} running` : ""}`,
    ),
    make("div", { class: "dim" }, whenOf(schedule), now, then),
    problem ? make("div", { class: "problem" }, problem) : undefined,
  );
  const buttons =
    source === "stack"
      ? make("span", { class: "dim" }, "from the stack's configuration")
      : make(
          "div",
          { class: "buttons" },
          make(
            "button",
            { type: "button", label: `Change ${name}`, onClick: () => edit(schedule) },
            "Change",
          ),
          make(
            "button",
            { type: "button", class: "danger", label: `Delete ${name}`, onClick: () => remove(schedule) },
            "Delete",
          ),
        );
  return make("li", {}, what, buttons);
}

export function groupItem({ cluster, flavor, image, wanted, running, problem }: Group): HTMLElement {
  const of = image === "default" ? "" : ` (${image})`;
  const count = running === undefined ? `${wanted} wanted` : `${running} running of ${wanted} wanted`;
  return make(
    "li",
    {},
    `${flavor}${of} for ${cluster}: ${count}`,
    problem ? make("div", { class: "problem" }, problem) : undefined,
  );
}

export function eventItem({ at, what, who, message }: HappenedEvent): HTMLElement {
  return make("li", {}, timeElement(at), ` ${what}: ${message} `, make("span", { class: "dim" }, who));
}
