import { createHash, randomUUID } from "node:crypto";
import type { PeakGroup } from "../compute/compute.ts";
import { HttpError } from "../http/http-error.ts";
import { mostAtOnce } from "../schedules/most.ts";
import { occurrencesAfter, standingAt } from "../schedules/occurrences.ts";
import { clusterImage, type Schedule } from "../schedules/schedule.ts";
import { demandAt, groupOf, type KeptSchedule } from "../schedules/sizes.ts";
import { scheduleProblems } from "../schedules/validate.ts";
import { type Content, eventOf, maxSchedules, type Seen } from "./content.ts";

export interface Limits {
  readonly groups: readonly PeakGroup[];
  readonly maxMachines: number;
}

/**
 * What a request's body asks for, if it is a schedule, and one that this deployment has a group for.
 * @throws {HttpError} 400 with all that is wrong
 */
export function checkedSchedule(body: unknown, { groups, maxMachines }: Limits, instant: number): Schedule {
  const problems = scheduleProblems(body);
  if (problems.length > 0) throw new HttpError(400, problems.join("; "));
  const schedule = body as Schedule;
  if (!groupOf(schedule, groups)) throw new HttpError(400, missingGroup(schedule, groups));
  if (schedule.machines > maxMachines)
    throw new HttpError(
      400,
      `machines is ${schedule.machines}; there may be ${maxMachines} extra machines in all (maxMachines)`,
    );
  if (occurrencesAfter(schedule, instant).next().done)
    throw new HttpError(400, "All of its periods are over; give an end that is to come");
  return schedule;
}

function missingGroup(
  { cluster, flavor, image = clusterImage }: Schedule,
  groups: readonly PeakGroup[],
): string {
  const list = (values: readonly string[]) => [...new Set(values)].join(", ") || "none";
  const ofCluster = groups.filter((group) => group.cluster === cluster);
  if (ofCluster.length === 0)
    return `cluster is '${cluster}'; those that may grow are: ${list(groups.map((group) => group.cluster))}`;
  const ofFlavor = ofCluster.filter((group) => group.flavor === flavor);
  if (ofFlavor.length === 0)
    return `flavor is '${flavor}'; for ${cluster} the configuration names: ${list(ofCluster.map((group) => group.flavor))}`;
  return `image is '${image}'; for ${cluster} and ${flavor} the configuration names: ${list(ofFlavor.map((group) => group.image))}`;
}

/** @throws {HttpError} 409 when it and the others would at once ask for more machines than there may be */
export async function checkMost(
  schedule: Schedule,
  others: readonly Schedule[],
  { maxMachines }: Limits,
  instant: number,
): Promise<void> {
  const all = others.reduce((sum, { machines }) => sum + machines, schedule.machines);
  if (all <= maxMachines) return;
  const { machines, at } = await mostAtOnce(schedule, others, instant);
  if (machines > maxMachines)
    throw new HttpError(
      409,
      `With the other schedules, ${machines} machines would be asked for at ${new Date(at).toISOString()}; there may be ${maxMachines} in all (maxMachines)`,
    );
}

/** A request that is to be done once, however often it comes. */
export interface Once {
  readonly key: string;
  readonly hash: string;
}

export const onceOf = (key: string, body: unknown): Once => ({
  key,
  hash: createHash("sha256")
    .update(JSON.stringify(body ?? null))
    .digest("hex"),
});

/** The schedule that an earlier request of the same key made. @throws {HttpError} 422, 409 */
export function madeBefore(content: Content, once: Once | undefined): KeptSchedule | undefined {
  const done = once && content.done.find(({ key }) => key === once.key);
  if (!done) return undefined;
  if (done.hash !== once.hash)
    throw new HttpError(
      422,
      "This Idempotency-Key came with another request before; take a new one for each schedule",
    );
  const made = content.schedules.find(({ id }) => id === done.id);
  if (made) return made;
  throw new HttpError(
    409,
    "The schedule that this Idempotency-Key made has been deleted; take a new key to make another",
  );
}

/** @throws {HttpError} 409 when there are too many */
export function create(
  content: Content,
  schedule: Schedule,
  id: string,
  once: Once | undefined,
  asking: Seen,
) {
  const before = madeBefore(content, once) ?? content.schedules.find((kept) => kept.id === id);
  if (before) return { content, result: { kept: before, isNew: false } };
  if (content.schedules.length >= maxSchedules)
    throw new HttpError(409, `There are ${maxSchedules} schedules, and can be no more; delete some first`);
  const kept: KeptSchedule = { id, version: 1, schedule, source: "api", created: asking.instant };
  return {
    content: {
      ...content,
      schedules: [...content.schedules, kept],
      events: [
        ...content.events,
        eventOf(
          asking,
          "created",
          kept,
          `'${schedule.name}': ${schedule.machines} machines for ${schedule.cluster}`,
        ),
      ],
      done: once ? [...content.done, { ...once, id }] : content.done,
    },
    result: { kept, isNew: true },
  };
}

export const newId = (): string => randomUUID();

export function noSchedule(id: string): HttpError {
  return new HttpError(404, `There is no schedule ${id}`);
}

/**
 * The schedule of an id, for a change.
 * @throws {HttpError} 404; 409 for one of the stack's configuration; 412 when it has another version by now
 */
export function found(all: readonly KeptSchedule[], id: string, ifMatch: string | undefined): KeptSchedule {
  const kept = all.find((one) => one.id === id);
  if (!kept) throw noSchedule(id);
  if (kept.source === "stack")
    throw new HttpError(
      409,
      `'${kept.schedule.name}' is in the stack's configuration (switchyard:controller, schedules); change it there, and deploy`,
    );
  const named = ifMatch?.split(",").map((tag) => tag.trim());
  if (named && !named.includes("*") && !named.includes(`"${kept.version}"`))
    throw new HttpError(
      412,
      `'${kept.schedule.name}' has version ${kept.version} by now; read it again, and change that`,
    );
  return kept;
}

/** A schedule with some keys given anew, and without those that are null (RFC 7396). */
export function merged(schedule: Schedule, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch))
    throw new HttpError(400, "The body must be a JSON object with the keys that change");
  return Object.fromEntries(Object.entries({ ...schedule, ...patch }).filter(([, value]) => value !== null));
}

export function change(content: Content, kept: KeptSchedule, schedule: Schedule, asking: Seen) {
  const { begun: _, ...rest } = kept;
  const before = standingAt(kept.schedule, asking.instant).current;
  const now = standingAt(schedule, asking.instant).current;
  // What has begun goes on, though its start is another: only the difference is made.
  const begun = before && kept.begun === before.start ? now?.start : undefined;
  const changed = { ...rest, version: kept.version + 1, schedule, ...(begun !== undefined && { begun }) };
  return {
    content: {
      ...content,
      schedules: content.schedules.map((one) => (one.id === kept.id ? changed : one)),
      events: [
        ...content.events,
        eventOf(asking, "changed", changed, `'${schedule.name}' has version ${changed.version}`),
      ],
    },
    result: changed,
  };
}

/** Deletes a schedule, or has it deleted at the end of its period. */
export function remove(content: Content, kept: KeptSchedule, atEnd: boolean, asking: Seen) {
  const { state, current, wanted } = demandAt(kept, asking.instant);
  const { name } = kept.schedule;
  const mayFinish = atEnd && current && (state === "active" || state === "ending");
  if (mayFinish && !Number.isFinite(current.end))
    throw new HttpError(409, `'${name}' has no end; delete it without when=end, or give it an end`);
  if (mayFinish) {
    if (kept.deleteAt !== undefined)
      return { content, result: { kept, message: `'${name}' is deleted at its end already` } };
    const message = `'${name}' is deleted at its end, ${new Date(current.end).toISOString()}`;
    const changed = { ...kept, version: kept.version + 1, deleteAt: current.end };
    const schedules = content.schedules.map((one) => (one.id === kept.id ? changed : one));
    const events = [...content.events, eventOf(asking, "changed", changed, message)];
    return { content: { ...content, schedules, events }, result: { kept: changed, message } };
  }
  const message =
    wanted > 0
      ? `'${name}' is deleted; its ${wanted} machines finish their requests and go`
      : `'${name}' is deleted`;
  return {
    content: {
      ...content,
      schedules: content.schedules.filter(({ id }) => id !== kept.id),
      events: [...content.events, eventOf(asking, "deleted", kept, message)],
    },
    result: { kept, message },
  };
}
