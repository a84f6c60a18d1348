import type { FastifyPluginAsyncJsonSchemaToTs } from "@fastify/type-provider-json-schema-to-ts";
import type { ServiceSettings } from "./settings.ts";

/** What every group of routes is given. */
export interface ServiceContext {
  readonly settings: ServiceSettings;
  /** Aborted once the app was told to stop. */
  readonly draining: AbortSignal;
}

/** A group of routes; its JSON schemas check requests, type the handlers and make the OpenAPI document. */
export type Routes = FastifyPluginAsyncJsonSchemaToTs<{ Options: ServiceContext }>;

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whether requests to this route are of interest to nobody, unless `LOG_LEVEL` is `debug`. */
    quiet?: boolean;
  }
}
