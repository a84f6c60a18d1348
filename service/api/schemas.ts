/** The JSON that every route answers with, errors included: the HTTP status once more, and a sentence. */
export function answerSchema(description: string) {
  return {
    description,
    type: "object",
    properties: { status: { type: "integer" }, message: { type: "string" } },
    required: ["status", "message"],
    additionalProperties: false,
  } as const;
}

/** An answer that has something in it besides the sentence. */
export function contentSchema<const Content extends object>(description: string, content: Content) {
  return {
    description,
    type: "object",
    properties: { status: { type: "integer" }, message: { type: "string" }, content },
    required: ["status", "message", "content"],
    additionalProperties: false,
  } as const;
}

/** A plain-text answer, by the regular expression that it matches. */
export function textSchema(description: string, pattern: string) {
  return { description, content: { "text/plain": { schema: { type: "string", pattern } } } } as const;
}

/** Any answer that a route does not list itself. */
export const anyError = answerSchema("An error; the message says which");

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
  return Object.fromEntries(statuses.map((status) => [status, answerSchema(errors[status])]));
}
