import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import type { DeployedStack } from "../operations/outputs.ts";
import { localStack } from "./backend.ts";
import { type Context, runMain } from "./process.ts";
import { deployedStack } from "./pulumi.ts";
import { formatRows } from "./table.ts";

const usage = `Usage: npm run schedules -- ls                lists schedules: id, state, machines, name, when
       npm run schedules -- add NAME WHAT WHEN   makes one
       npm run schedules -- rm ID [--at-end]     deletes one, now or at the end of its period

  WHAT  --cluster NAME --machines N --flavor NAME [--image NAME] [--lead MINUTES]
  WHEN  --start 2026-11-27T08:00:00+01:00 [--end …]                       one period
        --cron '0 8 * * 1-5' --minutes N --zone Europe/Berlin             again and again
          [--from DAY] [--until DAY] [--except DAY]…

  --dry-run         add: says when its next five periods are, and makes nothing
  --stack, -s NAME  which stack; default: ${localStack}
  --help, -h        this`;

const text = { type: "string" } as const;

const options = {
  cluster: text,
  machines: text,
  flavor: text,
  image: text,
  lead: text,
  start: text,
  end: text,
  cron: text,
  minutes: text,
  zone: text,
  from: text,
  until: text,
  except: { type: "string", multiple: true },
  "dry-run": { type: "boolean", default: false },
  "at-end": { type: "boolean", default: false },
  stack: { type: "string", short: "s", default: localStack },
} as const;

/** What is asked of the controller's API. */
export interface SchedulesRequest {
  readonly command: "ls" | "add" | "rm";
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the controller's URL. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly stack: string;
}

/** Reads a command line; fails with what is wrong and how it is used. What a schedule may be is the controller's to say. */
export function parseSchedulesRequest(args: readonly string[]): SchedulesRequest {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
  const [command, argument = "", ...rest] = positionals;
  const { stack } = values;
  if (rest.length > 0 || (argument === "") !== (command === "ls")) throw new Error(usage);
  if (command === "ls") return { command, method: "GET", path: "/schedules", stack };
  if (command === "rm") {
    const query = values["at-end"] ? "?when=end" : "";
    return { command, method: "DELETE", path: `/schedules/${encodeURIComponent(argument)}${query}`, stack };
  }
  if (command !== "add") throw new Error(usage);
  const path = `/schedules${values["dry-run"] ? "?dryRun=true" : ""}`;
  const { cluster, flavor, image, start, end, cron, zone: timeZone, from, until, except } = values;
  const given = {
    name: argument,
    cluster,
    machines: numberOf(values.machines),
    flavor,
    image,
    leadMinutes: numberOf(values.lead),
    start,
    end,
    cron,
    durationMinutes: numberOf(values.minutes),
    timeZone,
    from,
    until,
    except,
  };
  const body = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { command, method: "POST", path, body, stack };
}

/** A number, or else what was given: the controller says what is wrong with that. */
function numberOf(value: string | undefined): number | string | undefined {
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : value;
}

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly name: string;
  readonly cluster: string;
  readonly machines: number;
  readonly machinesNow: number;
  readonly flavor: string;
  readonly start?: string;
  readonly end?: string;
  readonly cron?: string;
  readonly durationMinutes?: number;
  readonly timeZone?: string;
  readonly problem?: string;
}

interface Answer {
  readonly message: string;
  readonly content?:
    | Listed[]
    | { readonly id: string; readonly occurrences?: readonly { start: string; end?: string }[] };
}

const whenOf = ({ start, end, cron, durationMinutes, timeZone }: Listed): string =>
  start === undefined
    ? `${cron} for ${durationMinutes} minutes, ${timeZone}`
    : `${start} to ${end ?? "its deletion"}`;

/** Carries out a command on a controller; prints what was asked for. */
export async function runSchedules(
  url: string,
  token: string,
  { command, method, path, body }: SchedulesRequest,
  { log, signal }: Pick<Context, "log" | "signal">,
): Promise<void> {
  const response = await fetch(url + path, {
    method,
    signal,
    headers: {
      ...(method !== "GET" && { authorization: `Bearer ${token}` }),
      ...(body && { "content-type": "application/json", "idempotency-key": randomUUID() }),
    },
    ...(body && { body: JSON.stringify(body) }),
  }).catch((error: Error) => {
    signal.throwIfAborted();
    throw new Error(
      `The controller at ${url} does not answer: ${(error.cause as Error | undefined)?.message ?? error.message}`,
    );
  });
  const { message, content } = (await response.json()) as Answer;
  if (!response.ok) throw new Error(message);
  if (command === "ls") {
    const rows = (content as Listed[]).map((schedule) => {
      const { id, state, name, cluster, machines, machinesNow, flavor, problem } = schedule;
      const count = `${machinesNow}/${machines} ${flavor} for ${cluster}`;
      return [id, state, count, name, whenOf(schedule), problem ?? ""];
    });
    for (const row of formatRows([["ID", "STATE", "MACHINES", "NAME", "WHEN", "PROBLEM"], ...rows]))
      console.log(row);
    return;
  }
  log(message);
  if (command === "rm" || !content || Array.isArray(content)) return;
  if (content.occurrences)
    for (const { start, end = "" } of content.occurrences) console.log(`${start} ${end}`.trimEnd());
  else console.log(content.id);
}

/** @throws when the stack has no controller */
export function controllerUrlOf({ stack, outputs }: DeployedStack): string {
  if (outputs.controllerUrl !== undefined) return outputs.controllerUrl;
  throw new Error(
    `Stack ${stack} has no controller: set switchyard:controller, and deploy (docs/peak-hours.md)`,
  );
}

async function main(context: Context): Promise<number> {
  const request = parseSchedulesRequest(process.argv.slice(2));
  const secrets = request.method === "GET" ? "masked" : "shown";
  const deployed = await deployedStack(context, request.stack, secrets);
  await runSchedules(controllerUrlOf(deployed), deployed.outputs.adminToken, request, context);
  return 0;
}

if (import.meta.main) await runMain(usage, main);
