import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import type { ServiceSettings } from "../settings/settings.ts";

interface Params {
  readonly properties: Readonly<Record<string, object>>;
}

/** How the routes' schemas become the OpenAPI document. */
export function openapiOptions({ PROJECT, PUBLIC }: ServiceSettings): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: "3.1.0",
      info: { title: `${PROJECT} API`, version: "1.0.0" },
      components: {
        securitySchemes: {
          adminToken: {
            type: "http",
            scheme: "bearer",
            description: PUBLIC ? "Not needed: writing is open to all here" : "The deployment's admin token",
          },
        },
      },
    },
    // OpenAPI has no wildcards: there, the rest of the path is a parameter with a name.
    transform: ({ schema, url }) => {
      const { "*": name } = (schema?.params as Params | undefined)?.properties ?? {};
      if (name === undefined) return { schema, url };
      const params = { type: "object", properties: { name }, required: ["name"] };
      return { schema: { ...schema, params }, url: url.replace(/\*$/, ":name") };
    },
  };
}
