import { anyError, jsonAnswer } from "../api/schemas.ts";
import { authorize } from "../http/authorize.ts";
import { askForBody } from "../http/connections.ts";
import { HttpError } from "../http/http-error.ts";
import { occurrenceAnswer, scheduleAnswers } from "./answers.ts";
import type { Content } from "./content.ts";
import {
  change,
  checkedSchedule,
  checkMost,
  create,
  found,
  type Limits,
  madeBefore,
  merged,
  newId,
  noSchedule,
  onceOf,
  remove,
} from "./edits.ts";
import {
  administrator,
  answerOf,
  type ControllerContext,
  type ControllerRoutes,
  idParams,
  limited,
  nextOccurrences,
  noStore,
  sendSchedule,
} from "./routes.ts";
import { newSchedule, scheduleErrors, schedulePatch } from "./shapes.ts";

const editErrors = scheduleErrors(400, 401, 403, 404, 409, 412, 413, 415, 429, 502, 503, 504, 507);

const common = { tags: ["schedules"], security: [{ adminToken: [] }] };

/** Bodies are checked by schedules/validate.ts, which says more; their schemas describe them. */
const validatorCompiler = () => () => true;

const maxBody = 64 * 1024;

/** Visible ASCII (draft-ietf-httpapi-idempotency-key-header). */
const isKey = (key: string) => /^[\x21-\x7e]{1,128}$/.test(key);

/** `POST`, `PATCH` and `DELETE` of schedules, for the administrator. */
export const editRoutes: ControllerRoutes = async (app, context) => {
  const { document, loop, now, controller } = context;
  const limits: Limits = { groups: controller.PEAK_GROUPS, maxMachines: controller.MAX_MACHINES };
  // Whatever PUBLIC says of files: machines cost money.
  app.addHook("preParsing", authorize({ ...context.settings, PUBLIC: false }));
  app.addHook("preParsing", async (request, reply) => askForBody(request.raw, reply.raw));
  app.addContentTypeParser(
    "application/merge-patch+json",
    { parseAs: "string" },
    app.getDefaultJsonParser("error", "error"),
  );
  const othersOf = (content: Content, id: string) =>
    loop
      .schedulesOf(content)
      .filter((kept) => kept.id !== id && kept.deleteAt === undefined)
      .map(({ schedule }) => schedule);

  app.post("/schedules", {
    bodyLimit: maxBody,
    validatorCompiler,
    schema: {
      ...common,
      operationId: "createSchedule",
      summary: "Makes a schedule, or only says what it would be",
      querystring: {
        type: "object",
        properties: {
          dryRun: {
            type: "boolean",
            description: "Checks it, and answers its next periods, without making it",
          },
        },
      },
      headers: {
        type: "object",
        properties: {
          "idempotency-key": {
            type: "string",
            maxLength: 128,
            description: "The same request with the same key makes no second schedule",
          },
        },
      },
      body: newSchedule,
      response: {
        200: jsonAnswer("What it would be", "ScheduleTrial"),
        201: jsonAnswer("Made", "Schedule"),
        ...editErrors,
        422: scheduleErrors(422)[422],
        default: anyError,
      },
    },
    handler: async (request, reply) => {
      const isTrial = flagOf((request.query as { dryRun?: unknown }).dryRun, "dryRun");
      const key = request.headers["idempotency-key"];
      if (key !== undefined && !(typeof key === "string" && isKey(key)))
        throw new HttpError(400, "Idempotency-Key must be 1 to 128 visible ASCII characters");
      const instant = now();
      const asking = { who: administrator(request), instant };
      const once = key === undefined ? undefined : onceOf(key, request.body);
      const before = await document.read(limited(context));
      const id = newId();
      const made = madeBefore(before, once);
      if (!made) {
        const schedule = checkedSchedule(request.body, limits, instant);
        await checkMost(schedule, othersOf(before, id), limits, instant);
        if (isTrial) return noStore(reply).send(trialAnswer(context, before, id, schedule));
        await document.change((content) => create(content, schedule, id, once, asking), limited(context));
        void loop.wake();
      }
      const answer = answerOf(context, await document.read(limited(context)), made?.id ?? id);
      if (!answer) throw new HttpError(409, "The schedule was made, and deleted at once by somebody else");
      reply.header("location", `/schedules/${answer.id}`);
      return sendSchedule(reply, 201, answer);
    },
  });

  app.patch("/schedules/:id", {
    bodyLimit: maxBody,
    validatorCompiler,
    schema: {
      ...common,
      operationId: "changeSchedule",
      summary: "Changes keys of a schedule; null takes one away",
      description: "While it is active, only the difference is made.",
      consumes: ["application/json", "application/merge-patch+json"],
      params: idParams,
      headers: {
        type: "object",
        properties: {
          "if-match": { type: "string", maxLength: 200, description: "The ETag that it was read with" },
        },
      },
      body: schedulePatch,
      response: {
        200: jsonAnswer("Changed", "Schedule"),
        ...editErrors,
        428: scheduleErrors(428)[428],
        default: anyError,
      },
    },
    handler: async (request, reply) => {
      const { id } = request.params as { id: string };
      const ifMatch = request.headers["if-match"];
      const instant = now();
      const asking = { who: administrator(request), instant };
      const before = await document.read(limited(context));
      const kept = found(loop.schedulesOf(before), id, ifMatch);
      if (ifMatch === undefined)
        throw new HttpError(
          428,
          `A change needs the header If-Match with the version that it is one of, such as "${kept.version}"`,
        );
      if (kept.deleteAt !== undefined)
        throw new HttpError(409, `'${kept.schedule.name}' is deleted at its end, and can no more be changed`);
      const schedule = checkedSchedule(merged(kept.schedule, request.body), limits, instant);
      await checkMost(schedule, othersOf(before, id), limits, instant);
      await document.change((content) => {
        const newest = found(loop.schedulesOf(content), id, `"${kept.version}"`);
        return change(content, newest, schedule, asking);
      }, limited(context));
      void loop.wake();
      const answer = answerOf(context, await document.read(limited(context)), id);
      if (!answer) throw noSchedule(id);
      return sendSchedule(reply, 200, answer);
    },
  });

  app.delete("/schedules/:id", {
    schema: {
      ...common,
      operationId: "deleteSchedule",
      summary: "Deletes a schedule, now or at the end of its period",
      params: idParams,
      querystring: {
        type: "object",
        properties: {
          when: {
            type: "string",
            enum: ["now", "end"],
            default: "now",
            description: "`end`: it finishes the period that it is in",
          },
        },
      },
      response: { 200: jsonAnswer("Deleted, or to be"), ...editErrors, default: anyError },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const asking = { who: administrator(request), instant: now() };
      const atEnd = request.query.when === "end";
      const ifMatch = request.headers["if-match"];
      const { message } = await document.change((content) => {
        return remove(content, found(loop.schedulesOf(content), id, ifMatch), atEnd, asking);
      }, limited(context));
      void loop.wake();
      return noStore(reply).send({ status: 200, message });
    },
  });
};

function flagOf(value: unknown, name: string): boolean {
  if (value === undefined || value === "false") return false;
  if (value === "true") return true;
  throw new HttpError(400, `${name} is ${JSON.stringify(value)}; it must be true or false`);
}

/** What a schedule would be, with its next five periods. */
function trialAnswer(
  { loop, now }: ControllerContext,
  content: Content,
  id: string,
  schedule: ReturnType<typeof checkedSchedule>,
) {
  const instant = now();
  const kept = { id, version: 1, schedule, source: "api", created: instant } as const;
  const { shares } = loop.planOf({ ...content, schedules: [...content.schedules, kept] }, instant);
  const answer = scheduleAnswers(shares, loop.groups).find((one) => one.id === id);
  const occurrences = nextOccurrences(schedule, instant, 5).map(occurrenceAnswer);
  return {
    status: 200,
    message: `'${schedule.name}' would be ${answer?.state}`,
    content: { ...answer, occurrences },
  };
}
