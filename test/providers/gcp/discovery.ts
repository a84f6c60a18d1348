import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { folderOf, serverPackages } from "../../servers/cache.ts";

/** The APIs that are asked, in the versions that the provider, or this project itself, asks. */
export type Api =
  | "billingbudgets.v1"
  | "compute.beta"
  | "compute.v1"
  | "iam.v1"
  | "monitoring.v3"
  | "serviceusage.v1"
  | "storage.v1";

/** A JSON schema as discovery documents have it (https://developers.google.com/discovery/v1/type-format). */
interface Schema {
  readonly $ref?: string;
  readonly type?: "any" | "array" | "boolean" | "integer" | "number" | "object" | "string";
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: string;
  readonly maximum?: string;
}

interface Method {
  readonly httpMethod: string;
  readonly path: string;
  readonly flatPath?: string;
  readonly parameters?: Readonly<Record<string, Schema & { readonly location: "path" | "query" }>>;
}

interface Resources {
  readonly methods?: Readonly<Record<string, Method>>;
  readonly resources?: Readonly<Record<string, Resources>>;
}

interface Document extends Resources {
  /** Where its paths begin: `compute/v1/`. */
  readonly servicePath: string;
  readonly schemas: Readonly<Record<string, Schema>>;
  readonly parameters: Readonly<Record<string, Schema>>;
}

const documents = new Map<Api, Document>();

function documentOf(api: Api): Document {
  const known = documents.get(api);
  if (known) return known;
  const pattern = `lib/python3*/site-packages/googleapiclient/discovery_cache/documents/${api}.json`;
  const folder = folderOf(serverPackages.google);
  const [file = ""] = globSync(pattern, { cwd: folder });
  const document = JSON.parse(readFileSync(join(folder, file), "utf8")) as Document;
  documents.set(api, document);
  return document;
}

/** What of a request's body an API would not take, a line each. */
export function problemsOf(api: Api, schema: string, body: unknown): string[] {
  const { schemas } = documentOf(api);
  if (!schemas[schema]) return [`there is no ${schema}`];
  return problemsIn(schemas, { $ref: schema }, body, schema);
}

function problemsIn(schemas: Document["schemas"], schema: Schema, value: unknown, where: string): string[] {
  if (schema.$ref !== undefined) return problemsIn(schemas, schemas[schema.$ref] ?? {}, value, where);
  const wrong = (expected: string) => [`${where} is ${JSON.stringify(value)}, and must be ${expected}`];
  switch (schema.type) {
    case "array":
      if (!Array.isArray(value)) return wrong("a list");
      return value.flatMap((item, at) => problemsIn(schemas, schema.items ?? {}, item, `${where}[${at}]`));
    case "object":
      if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong("an object");
      return Object.entries(value).flatMap(([name, part]) => {
        const inner = schema.properties?.[name] ?? schema.additionalProperties;
        return inner ? problemsIn(schemas, inner, part, `${where}.${name}`) : [`${where} has no ${name}`];
      });
    case "boolean":
      return typeof value === "boolean" ? [] : wrong("true or false");
    case "integer":
      return Number.isInteger(value) ? outOf(schema, Number(value), wrong) : wrong("a whole number");
    case "number":
      return typeof value === "number" ? outOf(schema, value, wrong) : wrong("a number");
    case "string": {
      // Numbers of 64 bits are texts in JSON, which clients make of them.
      if (typeof value !== "string" && !Number.isInteger(value)) return wrong("a text");
      const text = String(value);
      if (text.includes("${")) return [];
      if (schema.enum && !schema.enum.includes(text)) return wrong(`one of ${schema.enum.join(", ")}`);
      return schema.pattern && !new RegExp(`^(?:${schema.pattern})$`).test(text) ? wrong(schema.pattern) : [];
    }
    default:
      return [];
  }
}

function outOf({ minimum, maximum }: Schema, value: number, wrong: (expected: string) => string[]): string[] {
  if (minimum !== undefined && value < Number(minimum)) return wrong(`${minimum} or more`);
  return maximum !== undefined && value > Number(maximum) ? wrong(`${maximum} or less`) : [];
}

function methodsOf({ methods = {}, resources = {} }: Resources): Method[] {
  return [...Object.values(methods), ...Object.values(resources).flatMap(methodsOf)];
}

/** What of a request an API would not take: no such path, or a parameter that its method has not. */
export function requestProblems(api: Api, httpMethod: string, { pathname, searchParams }: URL): string[] {
  const document = documentOf(api);
  const matches = (path: string) => {
    const pattern = `/${document.servicePath}${path}`.replace(/\{\+?\w+\}/g, "[^/:]+");
    return new RegExp(`^${pattern}$`).test(pathname);
  };
  const method = methodsOf(document).find(
    (one) => one.httpMethod === httpMethod && matches(one.flatPath ?? one.path),
  );
  if (!method) return [`there is no ${httpMethod} ${pathname}`];
  return [...searchParams].flatMap(([name, value]) => {
    const schema = method.parameters?.[name] ?? document.parameters[name];
    if (!schema) return [`${httpMethod} ${pathname} takes no ${name}`];
    const number = schema.type === "integer" || schema.type === "number";
    return problemsIn(document.schemas, schema, number ? Number(value) : value, name);
  });
}
