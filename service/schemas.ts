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

/** A plain-text answer, by the regular expression that it matches. */
export function textSchema(description: string, pattern: string) {
  return { description, content: { "text/plain": { schema: { type: "string", pattern } } } } as const;
}

/** Any answer that a route does not list itself. */
export const anyError = answerSchema("An error; the message says which");
