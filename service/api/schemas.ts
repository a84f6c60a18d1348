import type { FastifyInstance } from "fastify";

/** What every JSON answer has: the HTTP status once more, and a sentence. */
const answer = {
  type: "object",
  properties: {
    status: { type: "integer", description: "The HTTP status" },
    message: { type: "string", description: "What has happened, in a sentence" },
  },
  required: ["status", "message"],
  additionalProperties: false,
} as const;

/** An answer that has something in it besides the sentence. */
export function withContent(content: object, more: object = {}) {
  return {
    ...answer,
    properties: { ...answer.properties, content, ...more },
    required: [...answer.required, "content"],
  };
}

/** The shapes of JSON that the API answers with, by the name that the description and generated clients have for them. */
export const fileShapes = {
  DownloadUrl: withContent({ type: "string", format: "uri", description: "The URL" }),
  FileList: withContent(
    { type: "array", items: { type: "string" }, description: "The names of the files" },
    { next: { type: "string", description: "Where the list goes on; absent when this is its end" } },
  ),
};

/** Shapes by their names, beside which every description has `Answer` and `Error`. */
export type Shapes = Readonly<Record<string, object>>;

/** Makes shapes known to `app`; call it before routes are added. */
export function addShapes(app: FastifyInstance, shapes: Shapes): void {
  for (const [name, shape] of Object.entries({ Answer: answer, Error: answer, ...shapes }))
    app.addSchema({ $id: name, ...shape });
}

/** An answer of JSON, by the name of its shape. */
export function jsonAnswer(description: string, shape = "Answer") {
  return { description, content: { "application/json": { schema: { $ref: `${shape}#` } } } } as const;
}

/** A plain-text answer, by the regular expression that it matches. */
export function textAnswer(description: string, pattern: string) {
  return { description, content: { "text/plain": { schema: { type: "string", pattern } } } } as const;
}

/** Any answer that a route does not list itself. */
export const anyError = jsonAnswer("An error; the message says which", "Error");

const errors = {
  400: "The request is wrong",
  401: "The admin token is missing or wrong",
  403: "The request came in clear",
  404: "There is no such file",
  408: "The client sent too slowly",
  409: "The store cannot keep a file of this name beside those that it has",
  411: "The request does not say how long the file is",
  413: "The file is too large",
  415: "Not in a form that is taken here",
  429: "Too many requests from this client",
  502: "The store cannot be reached, or refuses",
  503: "The machine or the store is busy; Retry-After says when to try again",
  504: "The store did not answer in time",
  507: "The store is full",
} as const;

/** The answers of these statuses, for a route's `response`. */
export function errorSchemas(...statuses: readonly (keyof typeof errors)[]) {
  return Object.fromEntries(statuses.map((status) => [status, jsonAnswer(errors[status], "Error")]));
}
