import type { FastifyPluginAsyncJsonSchemaToTs } from "@fastify/type-provider-json-schema-to-ts";
import type { Uploads } from "./files/uploads.ts";
import type { ServiceSettings } from "./settings/settings.ts";
import type { Store } from "./storage/store.ts";

/** What every group of routes is given. */
export interface ServiceContext {
  readonly settings: ServiceSettings;
  /** Aborted once the app was told to stop. */
  readonly draining: AbortSignal;
  /** Aborted when a stopping app has no time left: what still runs must clean up and end. */
  readonly cutOff: AbortSignal;
}

/** What the groups of routes of the file API are given. */
export interface FileContext extends ServiceContext {
  readonly store: Store;
  readonly uploads: Uploads;
}

/** A group of routes; its JSON schemas check requests, type the handlers and make the OpenAPI document. */
export type Routes = FastifyPluginAsyncJsonSchemaToTs<{ Options: ServiceContext }>;

export type FileRoutes = FastifyPluginAsyncJsonSchemaToTs<{ Options: FileContext }>;

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whether requests to this route are of interest to nobody, unless `LOG_LEVEL` is `debug`. */
    quiet?: boolean;
  }
}
