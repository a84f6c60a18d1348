import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import type { ServiceSettings } from "../settings/settings.ts";

interface Part {
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

const characters = "[^\\u0000-\\u001f\\u007f-\\u009f]";
const segment = "(?!\\.{1,2}(/|$))[^/\\u0000-\\u001f\\u007f-\\u009f]+";

/** What texts may be, which files/names.ts checks, and says in better words than a schema. */
const texts: Readonly<Record<string, object>> = {
  name: { minLength: 1, maxLength: 1024, pattern: `^${segment}(/${segment})*$` },
  after: { maxLength: 1024, pattern: `^${characters}*$` },
  prefix: { maxLength: 1024, pattern: `^${characters}*$` },
};

/** What is described. */
export interface About {
  /** Default: the project's name and `API`. */
  readonly title?: string;
  /** What it does, and what whoever reaches it may do. */
  readonly description: string;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}

const aboutFiles: About = {
  description: "Keeps files in the deployment's own bucket. Whoever reaches this may list and download.",
  tags: [{ name: "files", description: "Files, by their names" }],
};

/** How the routes' schemas become the OpenAPI document: the same one, whichever machine of a deployment is asked. */
export function openapiOptions(
  { PROJECT, PUBLIC }: Pick<ServiceSettings, "PROJECT" | "PUBLIC">,
  { title = `${PROJECT} API`, description, tags }: About = aboutFiles,
): FastifyDynamicSwaggerOptions {
  const access = PUBLIC
    ? "Whoever reaches this may also write."
    : "Writing needs the admin token, and HTTPS outside of this machine. Whoever deployed this gets the token by `npm run outputs -- adminToken --show-secrets`; here, give it to **Authorize**.";
  return {
    openapi: {
      openapi: "3.1.0",
      info: { title, version: "1.0.0", description: `${description} ${access}` },
      servers: [{ url: "/", description: "This deployment" }],
      tags: [...tags],
      components: {
        securitySchemes: {
          adminToken: {
            type: "http",
            scheme: "bearer",
            description: PUBLIC
              ? "Not needed: writing is open to all here"
              : "The deployment's admin token: npm run outputs -- adminToken --show-secrets",
          },
        },
      },
    },
    refResolver: { buildLocalReference: ({ $id }) => String($id) },
    transform: ({ schema, url }) => {
      const { params, querystring } = schema ?? {};
      return {
        schema: {
          ...schema,
          ...(params ? { params: described(params as Part) } : {}),
          ...(querystring ? { querystring: described(querystring as Part) } : {}),
        },
        url: url.replace(/\*$/, ":name"),
      };
    },
  };
}

/** OpenAPI has no wildcards: there, the rest of the path is a parameter with a name. */
function described({ properties = {}, required = [], ...rest }: Part): Part {
  const nameOf = (key: string) => (key === "*" ? "name" : key);
  const all = Object.entries(properties).map(([key, property]) => {
    const name = nameOf(key);
    return [name, { ...property, ...texts[name] }];
  });
  return { ...rest, properties: Object.fromEntries(all), required: required.map(nameOf) };
}
