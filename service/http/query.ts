import type { FastifyInstance, FastifySchemaValidationError } from "fastify";
import { HttpError } from "./http-error.ts";

/** Answers 400 to a query that has a key which its route has not; for the routes that are added to `app` after this. */
export function refuseUnknownQueries(app: FastifyInstance): void {
  app.addHook("preValidation", (request, _reply, done) => {
    const { properties = {} } = (request.routeOptions.schema?.querystring ?? {}) as { properties?: object };
    const known = Object.keys(properties);
    const unknown = Object.keys(request.query as object).find((key) => !known.includes(key));
    if (unknown === undefined) return done();
    const remedy = known.length > 0 ? `it may be: ${known.join(", ")}` : "leave it out";
    done(new HttpError(400, `There is no query key '${unknown}' here; ${remedy}`));
  });
}

/** What ajv, told to be verbose, knows of a value that is wrong. */
interface Verbose {
  readonly data?: unknown;
  readonly parentSchema?: { readonly type?: string; readonly minimum?: number; readonly maximum?: number };
}

/** What is wrong with a request, in words: which value, and what it may be. */
export function validationError(errors: readonly FastifySchemaValidationError[], place: string): HttpError {
  const [{ instancePath = "", message = "is wrong", data, parentSchema = {} } = {}] =
    errors as readonly (Partial<FastifySchemaValidationError> & Verbose)[];
  const name = instancePath.slice(1) || place;
  const { type, minimum, maximum } = parentSchema;
  if (type !== "integer") return new HttpError(400, `${name} ${message}`);
  return new HttpError(
    400,
    `${name} is ${JSON.stringify(data)}; it must be a whole number from ${minimum} to ${maximum}`,
  );
}
