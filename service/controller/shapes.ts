import { jsonAnswer, withContent } from "../api/schemas.ts";
import { maxExcept, maxLeadMinutes, maxMinutes, minMinutes } from "../schedules/schedule.ts";

const instant = (description: string) => ({ type: "string", format: "date-time", description });
const day = { type: "string", format: "date" };

/** What a schedule's keys may be, as validate.ts checks them, and says in better words. */
const scheduleKeys = {
  name: { type: "string", minLength: 1, maxLength: 80, description: "What people call it" },
  cluster: { type: "string", maxLength: 255, description: "Whose load balancer the machines join" },
  machines: {
    type: "integer",
    minimum: 1,
    maximum: 1000,
    description: "How many, beside those that the cluster has anyway",
  },
  flavor: {
    type: "string",
    maxLength: 255,
    description: "One of the configuration's: GET /groups lists them",
  },
  image: {
    type: "string",
    maxLength: 255,
    description: "One of the configuration's. Default: the cluster's own",
  },
  leadMinutes: {
    type: "integer",
    minimum: 0,
    maximum: maxLeadMinutes,
    description: "How long before each start the machines are asked for. Default 0",
  },
  start: instant("Of one period, with its offset"),
  end: instant(`At least ${minMinutes} minutes later. Absent: until it is deleted`),
  cron: {
    type: "string",
    maxLength: 200,
    description:
      "When each period begins, by the time zone's clock: minute, hour, day of the month, month, day of the week. A time that the clock skips is the first instant after; one that it shows twice is the first",
    examples: ["0 8 * * 1-5"],
  },
  durationMinutes: {
    type: "integer",
    minimum: minMinutes,
    maximum: maxMinutes,
    description: "How long each lasts, in minutes that pass, whatever the clock shows",
  },
  timeZone: { type: "string", maxLength: 100, description: "IANA name", examples: ["Europe/Berlin"] },
  from: { ...day, description: "First day. Default: any" },
  until: { ...day, description: "Last day on which one begins. Default: any" },
  except: { type: "array", maxItems: maxExcept, items: day, description: "Days on which none begins" },
} as const;

/** The body of a request that makes a schedule. */
export const newSchedule = {
  type: "object",
  description: "One period (start, end), or recurring (cron, durationMinutes, timeZone)",
  properties: scheduleKeys,
  required: ["name", "cluster", "machines", "flavor"],
  additionalProperties: false,
  examples: [
    {
      name: "office hours",
      cluster: "cluster1",
      machines: 2,
      flavor: "standard",
      cron: "0 8 * * 1-5",
      durationMinutes: 540,
      timeZone: "Europe/Berlin",
      leadMinutes: 5,
    },
  ],
};

/** The body of a request that changes one: null takes a key away (RFC 7396). */
export const schedulePatch = {
  type: "object",
  properties: Object.fromEntries(
    Object.entries(scheduleKeys).map(([key, { type, ...rest }]) => [key, { ...rest, type: [type, "null"] }]),
  ),
  additionalProperties: false,
};

const occurrence = {
  type: "object",
  properties: {
    asked: instant("When the machines are asked for"),
    start: instant("When it begins"),
    end: instant("When it ends; absent: when it is deleted"),
  },
  required: ["asked", "start"],
  additionalProperties: false,
} as const;

const schedule = {
  type: "object",
  properties: {
    id: { type: "string" },
    version: { type: "integer", description: "Counts its changes; as ETag, what a change must name" },
    source: {
      type: "string",
      enum: ["api", "stack"],
      description: "`stack`: the stack's configuration alone can change it",
    },
    state: { type: "string", enum: ["waiting", "active", "ending", "missed", "over"] },
    machinesNow: { type: "integer", description: "How many of its machines run" },
    ...scheduleKeys,
    current: occurrence,
    next: occurrence,
    problem: { type: "string", description: "Why it has fewer machines than it asks for" },
    deleteAt: instant("When it is deleted: at the end of the period that it may finish"),
  },
  required: ["id", "version", "source", "state", "machinesNow", "name", "cluster", "machines", "flavor"],
  additionalProperties: false,
};

const listOf = (items: object, description: string) => withContent({ type: "array", items, description });

const offer = {
  type: "object",
  properties: {
    id: { type: "string", description: "The cloud's own" },
    name: { type: "string" },
    names: { type: "array", items: { type: "string" }, description: "What schedules may name it by" },
  },
  required: ["id", "name"],
  additionalProperties: { type: ["string", "number"] },
};

/** The shapes of the controller's answers, by the names that the description has for them. */
export const scheduleShapes = {
  Schedule: withContent(schedule),
  ScheduleTrial: withContent({
    ...schedule,
    properties: {
      ...schedule.properties,
      occurrences: { type: "array", items: occurrence, description: "Its next five periods" },
    },
  }),
  ScheduleList: listOf(schedule, "All schedules"),
  OccurrenceList: listOf(
    {
      ...occurrence,
      properties: {
        ...occurrence.properties,
        schedule: { type: "string", description: "The schedule's id" },
        machines: { type: "integer" },
      },
    },
    "Periods",
  ),
  EventList: listOf(
    {
      type: "object",
      properties: {
        at: instant("When"),
        what: { type: "string" },
        who: { type: "string" },
        schedule: {
          type: "object",
          properties: { id: { type: "string" }, name: { type: "string" } },
          additionalProperties: false,
        },
        group: { type: "string" },
        message: { type: "string" },
      },
      required: ["at", "what", "who", "message"],
      additionalProperties: false,
    },
    "What was done, the newest first",
  ),
  GroupList: withContent(
    {
      type: "array",
      items: {
        type: "object",
        properties: {
          id: { type: "string", description: "The cloud's own" },
          cluster: { type: "string" },
          flavor: { type: "string" },
          image: { type: "string", description: "`default`: the cluster's own" },
          wanted: { type: "integer", description: "How many machines the schedules ask for" },
          size: { type: "integer", description: "How many the cloud was asked for" },
          running: { type: "integer" },
          problem: { type: "string", description: "In the cloud's words" },
        },
        required: ["id", "cluster", "flavor", "image", "wanted"],
        additionalProperties: false,
      },
      description: "The groups of extra machines: what schedules may name together",
    },
    { maxMachines: { type: "integer", description: "How many extra machines there may be in all" } },
  ),
  OfferList: listOf(offer, "What the cloud has"),
};

const errors = {
  400: "The request is wrong",
  401: "The admin token is missing or wrong",
  403: "The request came in clear",
  404: "There is no such schedule",
  409: "The schedule is the configuration's, or there would be too many machines or schedules",
  412: "The schedule has another version by now",
  413: "The body is too large",
  415: "Not in a form that is taken here",
  422: "The Idempotency-Key came with another request before",
  428: "The request does not say which version it changes",
  429: "Too many requests from this client",
  502: "The bucket or the cloud cannot be reached, or refuses",
  503: "The machine or the bucket is busy; Retry-After says when to try again",
  504: "The bucket did not answer in time",
  507: "The bucket is full",
} as const;

/** The answers of these statuses, for a route's `response`. */
export function scheduleErrors(...statuses: readonly (keyof typeof errors)[]) {
  return Object.fromEntries(statuses.map((status) => [status, jsonAnswer(errors[status], "Error")]));
}
