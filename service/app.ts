import type { FastifyInstance } from "fastify";
import { openapiOptions } from "./api/openapi.ts";
import { fileShapes } from "./api/schemas.ts";
import { buildBase } from "./base.ts";
import type { FileRoutes, ServiceContext } from "./context.ts";
import { limitUploads } from "./files/uploads.ts";
import { refuseUnknownQueries } from "./http/query.ts";
import { addRateLimit } from "./http/rate-limit.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { docsRoutes } from "./routes/docs.ts";
import { fileRoutes } from "./routes/files.ts";
import { healthRoutes } from "./routes/health.ts";
import { openapiRoutes } from "./routes/openapi.ts";
import { rootRoutes } from "./routes/root.ts";
import { uploadRoutes } from "./routes/upload.ts";
import type { ServiceSettings } from "./settings/settings.ts";
import type { Store } from "./storage/store.ts";

export interface AppOptions {
  /** Aborted when the app must tell its load balancer to send requests elsewhere. Default: never. */
  readonly draining?: AbortSignal;
  /** Aborted when what still runs must clean up and end. Default: never. */
  readonly cutOff?: AbortSignal;
  /** Where files are kept. Default: nowhere, and there is no file API. */
  readonly store?: Store;
  /** Where log lines go. Default: stdout. */
  readonly logStream?: { write(line: string): void };
}

/** Builds the app, ready to listen or to be called by `inject`; it never listens by itself. */
export async function buildApp(
  settings: ServiceSettings,
  options: AppOptions = {},
): Promise<FastifyInstance> {
  const { store, logStream } = options;
  const never = new AbortController().signal;
  const { draining = never, cutOff = never } = options;
  const context: ServiceContext = { settings, draining, cutOff };
  const uploads = limitUploads(settings.MAX_UPLOADS);
  const measured = [
    { name: "uploads_in_flight", help: "Uploads that are running", value: () => uploads.active },
  ];
  const base = {
    ...(store && { bucket: store.bucket }),
    ...(logStream && { logStream }),
    measured,
    shapes: fileShapes,
    description: openapiOptions(settings),
  };
  return buildBase(context, base, async (app) => {
    for (const routes of [rootRoutes, healthRoutes, clusterRoutes, openapiRoutes, docsRoutes]) {
      await app.register(routes, context);
    }
    if (store) await app.register(fileApi, { ...context, store, uploads });
  });
}

/** The routes that need a store, each client at most `RATE_LIMIT` times a minute. */
const fileApi: FileRoutes = async (app, context) => {
  const { settings, store } = context;
  refuseUnknownQueries(app);
  if (settings.RATE_LIMIT > 0) await addRateLimit(app, settings.RATE_LIMIT);
  await app.register(fileRoutes, context);
  await app.register(uploadRoutes, context);
  app.addHook("onClose", () => store.close());
};
