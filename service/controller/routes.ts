import type { FastifyPluginAsyncJsonSchemaToTs } from "@fastify/type-provider-json-schema-to-ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { anyError, jsonAnswer } from "../api/schemas.ts";
import type { ServiceContext } from "../context.ts";
import { HttpError } from "../http/http-error.ts";
import { occurrencesAfter } from "../schedules/occurrences.ts";
import { minuteMs, type Occurrence, type Schedule } from "../schedules/schedule.ts";
import type { KeptSchedule } from "../schedules/sizes.ts";
import { occurrenceAnswer, type ScheduleAnswer, scheduleAnswers } from "./answers.ts";
import type { Content } from "./content.ts";
import type { ContentDocument } from "./document.ts";
import { noSchedule } from "./edits.ts";
import type { Loop } from "./loop.ts";
import type { ControllerSettings } from "./settings.ts";
import { scheduleErrors } from "./shapes.ts";

export interface ControllerContext extends ServiceContext {
  readonly controller: ControllerSettings;
  readonly document: ContentDocument;
  readonly loop: Loop;
  readonly now: () => number;
}

export type ControllerRoutes = FastifyPluginAsyncJsonSchemaToTs<{ Options: ControllerContext }>;

/** The longest range that is answered at once, in milliseconds: 31 days and the hour that one of them may be longer. */
const maxRangeMs = (31 * 24 + 1) * 60 * minuteMs;
/** How many periods are answered at once. */
const maxOccurrences = 5_000;

const readErrors = scheduleErrors(400, 404, 429, 502, 503, 504);

export const idParams = {
  type: "object",
  properties: { id: { type: "string", maxLength: 100, description: "The schedule's id" } },
  required: ["id"],
} as const;

const rangeQuery = {
  type: "object",
  properties: {
    begin: { type: "string", maxLength: 40, description: "RFC 3339. Default: now", format: "date-time" },
    finish: {
      type: "string",
      maxLength: 40,
      description: "RFC 3339. Default: a week later",
      format: "date-time",
    },
  },
} as const;

/** A signal for what is done for a caller: aborted when time is up, or when this machine must end. */
export function limited({ cutOff, settings }: ControllerContext): AbortSignal {
  return AbortSignal.any([cutOff, AbortSignal.timeout(settings.STORE_SECONDS * 1000)]);
}

/** One schedule as the API answers it: among all others, because they share their groups' machines. */
export function answerOf({ loop, now }: ControllerContext, content: Content, id: string) {
  const { shares } = loop.planOf(content, now());
  return scheduleAnswers(shares, loop.groups).find((answer) => answer.id === id);
}

export function noStore(reply: FastifyReply): FastifyReply {
  return reply.header("cache-control", "no-store");
}

/** Answers with one schedule, and the version by which a change of it may name it. */
export function sendSchedule(reply: FastifyReply, status: 200 | 201, answer: ScheduleAnswer): FastifyReply {
  const message = `'${answer.name}' is ${answer.state}`;
  reply.code(status).header("etag", `"${answer.version}"`);
  return noStore(reply).send({ status, message, content: answer });
}

/** `GET` of schedules, their periods, the groups and events: for whoever reaches this. */
export const readRoutes: ControllerRoutes = async (app, context) => {
  const { document, loop, now, controller } = context;
  const tags = ["schedules"];
  const keptOf = async (id: string): Promise<KeptSchedule> => {
    const content = await document.read(limited(context));
    const kept = loop.schedulesOf(content).find((one) => one.id === id);
    if (!kept) throw noSchedule(id);
    return kept;
  };

  app.get("/schedules", {
    schema: {
      operationId: "listSchedules",
      summary: "All schedules, in the order in which they are served",
      tags,
      response: { 200: jsonAnswer("The schedules", "ScheduleList"), ...readErrors, default: anyError },
    },
    handler: async (_request, reply) => {
      const content = await document.read(limited(context));
      const answers = scheduleAnswers(loop.planOf(content, now()).shares, loop.groups);
      return noStore(reply).send({ status: 200, message: `${answers.length} schedules`, content: answers });
    },
  });

  app.get("/schedules/:id", {
    schema: {
      operationId: "getSchedule",
      summary: "One schedule",
      tags,
      params: idParams,
      response: { 200: jsonAnswer("The schedule", "Schedule"), ...readErrors, default: anyError },
    },
    handler: async ({ params: { id } }, reply) => {
      const answer = answerOf(context, await document.read(limited(context)), id);
      if (!answer) throw noSchedule(id);
      return sendSchedule(reply, 200, answer);
    },
  });

  app.get("/schedules/:id/occurrences", {
    schema: {
      operationId: "listOccurrencesOfSchedule",
      summary: "A schedule's periods that overlap a range of time",
      tags,
      params: idParams,
      querystring: rangeQuery,
      response: { 200: jsonAnswer("The periods", "OccurrenceList"), ...readErrors, default: anyError },
    },
    handler: async ({ params: { id }, query }, reply) => {
      const found = periodsIn([await keptOf(id)], rangeOf(query, now()));
      return noStore(reply).send({ status: 200, message: `${found.length} periods`, content: found });
    },
  });

  app.get("/occurrences", {
    schema: {
      operationId: "listOccurrences",
      summary: "All schedules' periods that overlap a range of time",
      tags,
      querystring: rangeQuery,
      response: { 200: jsonAnswer("The periods", "OccurrenceList"), ...readErrors, default: anyError },
    },
    handler: async ({ query }, reply) => {
      const content = await document.read(limited(context));
      const found = periodsIn(loop.schedulesOf(content), rangeOf(query, now()));
      return noStore(reply).send({ status: 200, message: `${found.length} periods`, content: found });
    },
  });

  app.get("/groups", {
    schema: {
      operationId: "listGroups",
      summary: "The groups of extra machines: their sizes, and what schedules may name together",
      tags,
      response: { 200: jsonAnswer("The groups", "GroupList"), ...readErrors, default: anyError },
    },
    handler: async (_request, reply) => {
      const { MAX_MACHINES: maxMachines } = controller;
      const message = `${loop.groups.length} groups`;
      return noStore(reply).send({ status: 200, message, content: loop.groups, maxMachines });
    },
  });

  app.get("/events", {
    schema: {
      operationId: "listEvents",
      summary: "What was done when, by whom, and why it failed: the last 500",
      tags,
      response: { 200: jsonAnswer("The events", "EventList"), ...readErrors, default: anyError },
    },
    handler: async (_request, reply) => {
      const { events } = await document.read(limited(context));
      return noStore(reply).send({
        status: 200,
        message: `${events.length} events`,
        content: events.toReversed(),
      });
    },
  });
};

interface Range {
  readonly from: number;
  readonly to: number;
}

function rangeOf({ begin, finish }: { begin?: string; finish?: string }, now: number): Range {
  const from = begin === undefined ? now : Date.parse(begin);
  const to = finish === undefined ? from + 7 * 24 * 60 * minuteMs : Date.parse(finish);
  if (Number.isNaN(from) || Number.isNaN(to))
    throw new HttpError(400, "begin and finish must be dates and times such as 2026-11-27T08:00:00Z");
  if (to <= from || to - from > maxRangeMs)
    throw new HttpError(400, "finish must be after begin, and no more than 31 days");
  return { from, to };
}

/** @throws {HttpError} when there are too many */
function periodsIn(schedules: readonly KeptSchedule[], { from, to }: Range) {
  const found: (ReturnType<typeof occurrenceAnswer> & { schedule: string; machines: number })[] = [];
  for (const { id, schedule, deleteAt = Number.POSITIVE_INFINITY } of schedules)
    for (const occurrence of occurrencesAfter(schedule, from)) {
      if (occurrence.asked >= to || occurrence.asked >= deleteAt) break;
      found.push({ schedule: id, machines: schedule.machines, ...occurrenceAnswer(occurrence) });
      if (found.length > maxOccurrences)
        throw new HttpError(
          400,
          `There are more than ${maxOccurrences} periods in that time; ask for a shorter one`,
        );
    }
  return found;
}

/** The next periods of a schedule that may not be kept. */
export function nextOccurrences(schedule: Schedule, instant: number, count: number): Occurrence[] {
  const found: Occurrence[] = [];
  for (const occurrence of occurrencesAfter(schedule, instant)) {
    found.push(occurrence);
    if (found.length === count) break;
  }
  return found;
}

/** Who asks, for events. */
export function administrator({ ip }: FastifyRequest): string {
  return `administrator ${ip}`;
}
