import swagger from "@fastify/swagger";
import fastify, { type FastifyInstance } from "fastify";
import type { ServiceContext } from "./context.ts";
import { addErrorAnswers, addMethodAnswers, clientErrorHandler, frameworkErrors } from "./errors.ts";
import { addHeaders, requestId } from "./identity.ts";
import { logAbortedRequests, loggerOptions, RequestLog } from "./request-log.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { healthRoutes } from "./routes/health.ts";
import { openapiRoutes } from "./routes/openapi.ts";
import { rootRoutes } from "./routes/root.ts";
import type { ServiceSettings } from "./settings.ts";

/**
 * A load balancer may send a request on a connection at the moment in which the app closes it as idle; so the app
 * waits longer than any of them. AWS's ALB gives up an idle connection after 60 s unless told otherwise (ELB user
 * guide, "Connection idle timeout"), HAProxy in Octavia after 50 s (`timeout_member_data`), and Google's after a fixed
 * 600 s, for which its documentation recommends 620 s (Cloud Load Balancing, "Backend HTTP keepalive timeout").
 */
const keepAliveTimeout = 620_000;

/** A request, body included, must have arrived in this time: Node.js's own default, which Fastify turns off. */
const requestTimeout = 300_000;

export interface AppOptions {
  /** Aborted when the app must tell its load balancer to send requests elsewhere. Default: never. */
  readonly draining?: AbortSignal;
  /** Where log lines go. Default: stdout. */
  readonly logStream?: { write(line: string): void };
}

/** Builds the app, ready to listen or to be called by `inject`; it never listens by itself. */
export async function buildApp(
  settings: ServiceSettings,
  options: AppOptions = {},
): Promise<FastifyInstance> {
  const context: ServiceContext = { settings, draining: options.draining ?? new AbortController().signal };
  const app: FastifyInstance = fastify({
    logger: loggerOptions(settings, options.logStream),
    logController: new RequestLog(),
    genReqId: requestId,
    // Load balancers are the only callers with private addresses, and report the client in X-Forwarded-For.
    trustProxy: ["loopback", "uniquelocal"],
    keepAliveTimeout,
    requestTimeout,
    return503OnClosing: false,
    frameworkErrors: frameworkErrors(context),
    clientErrorHandler: clientErrorHandler(context),
  });
  addHeaders(app, context);
  logAbortedRequests(app);
  addErrorAnswers(app);
  const methods = collectMethods(app);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: `${settings.PROJECT} API`, version: "1.0.0" },
    },
  });
  for (const routes of [rootRoutes, healthRoutes, clusterRoutes, openapiRoutes]) {
    await app.register(routes, context);
  }
  addMethodAnswers(app, methods);
  return app;
}

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
