import swagger from "@fastify/swagger";
import fastify, { type FastifyInstance } from "fastify";
import { openapiOptions } from "./api/openapi.ts";
import { addShapes } from "./api/schemas.ts";
import type { FileRoutes, ServiceContext } from "./context.ts";
import { limitUploads } from "./files/uploads.ts";
import { addConnectionRules } from "./http/connections.ts";
import { addErrorAnswers, addMethodAnswers, clientErrorHandler, frameworkErrors } from "./http/errors.ts";
import { addHeaders, requestId } from "./http/identity.ts";
import { addMetrics } from "./http/metrics.ts";
import { addBackPressure, watchPressure } from "./http/pressure.ts";
import { trustedHops } from "./http/proxies.ts";
import { refuseUnknownQueries, validationError } from "./http/query.ts";
import { addRateLimit } from "./http/rate-limit.ts";
import { logAbortedRequests, loggerOptions, RequestLog } from "./http/request-log.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { docsRoutes } from "./routes/docs.ts";
import { fileRoutes } from "./routes/files.ts";
import { healthRoutes } from "./routes/health.ts";
import { openapiRoutes } from "./routes/openapi.ts";
import { rootRoutes } from "./routes/root.ts";
import { uploadRoutes } from "./routes/upload.ts";
import type { ServiceSettings } from "./settings/settings.ts";
import type { Store } from "./storage/store.ts";

/**
 * A load balancer may send a request on a connection at the moment in which the app closes it as idle; so the app
 * waits longer than any of them. AWS's ALB gives up an idle connection after 60 s unless told otherwise (ELB user
 * guide, "Connection idle timeout"), HAProxy in Octavia after 50 s (`timeout_member_data`), and Google's after a fixed
 * 600 s, for which its documentation recommends 620 s (Cloud Load Balancing, "Backend HTTP keepalive timeout").
 */
const keepAliveTimeout = 620_000;

/**
 * How many characters a part of a path may have before the router refuses it without saying why: more than Node.js
 * takes in all headers together, so that a file's name is always answered for (files/names.ts).
 */
const maxParamLength = 65_536;

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
  const { store } = options;
  const never = new AbortController().signal;
  const { draining = never, cutOff = never } = options;
  const context: ServiceContext = { settings, draining, cutOff };
  const app = createApp(context, options);
  addConnectionRules(app);
  addHeaders(app, context);
  logAbortedRequests(app);
  addErrorAnswers(app, store?.bucket);
  addBackPressure(app, watchPressure(app));
  const uploads = limitUploads(settings.MAX_UPLOADS);
  if (settings.METRICS_PORT !== 0) addMetrics(app, settings, uploads);
  const methods = collectMethods(app);
  addShapes(app);
  await app.register(swagger, openapiOptions(settings));
  for (const routes of [rootRoutes, healthRoutes, clusterRoutes, openapiRoutes, docsRoutes]) {
    await app.register(routes, context);
  }
  if (store) await app.register(fileApi, { ...context, store, uploads });
  addMethodAnswers(app, methods);
  return app;
}

function createApp(context: ServiceContext, { logStream }: AppOptions): FastifyInstance {
  return fastify({
    logger: loggerOptions(context.settings, logStream),
    logController: new RequestLog(),
    genReqId: requestId,
    trustProxy: trustedHops(context.settings),
    keepAliveTimeout,
    routerOptions: { maxParamLength },
    return503OnClosing: false,
    ajv: { customOptions: { verbose: true } },
    schemaErrorFormatter: validationError,
    frameworkErrors: frameworkErrors(context),
    clientErrorHandler: clientErrorHandler(context),
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

/** The methods of each path, filled as routes are added. */
function collectMethods(app: FastifyInstance): ReadonlyMap<string, ReadonlySet<string>> {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    methodsOf.set(url, methods);
    for (const name of [method].flat()) methods.add(name);
  });
  return methodsOf;
}
