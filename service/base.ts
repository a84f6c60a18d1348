import swagger, { type FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import fastify, { type FastifyInstance } from "fastify";
import { addShapes, type Shapes } from "./api/schemas.ts";
import type { ServiceContext } from "./context.ts";
import { addConnectionRules } from "./http/connections.ts";
import { diskMeasures } from "./http/disk.ts";
import { addErrorAnswers, addMethodAnswers, clientErrorHandler, frameworkErrors } from "./http/errors.ts";
import { addHeaders, requestId } from "./http/identity.ts";
import { addMetrics, type Measured } from "./http/metrics.ts";
import { addBackPressure, watchPressure } from "./http/pressure.ts";
import { trustedHops } from "./http/proxies.ts";
import { validationError } from "./http/query.ts";
import { logAbortedRequests, loggerOptions, RequestLog } from "./http/request-log.ts";

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

export interface BaseOptions {
  /** What a store is called in answers. */
  readonly bucket?: string;
  /** Where log lines go. Default: stdout. */
  readonly logStream?: { write(line: string): void };
  /** What metrics have beside requests and the process. */
  readonly measured: readonly Measured[];
  /** The shapes that answers have, by the names that the description has for them. */
  readonly shapes: Shapes;
  readonly description: FastifyDynamicSwaggerOptions;
}

/**
 * Builds what the app and the controller are alike in: how they log, answer errors, name themselves, are measured and
 * described; and then lets `add` add their routes.
 */
export async function buildBase(
  context: ServiceContext,
  { bucket, logStream, measured, shapes, description }: BaseOptions,
  add: (app: FastifyInstance) => Promise<void>,
): Promise<FastifyInstance> {
  const app = createApp(context, logStream);
  addConnectionRules(app);
  addHeaders(app, context);
  logAbortedRequests(app);
  addErrorAnswers(app, bucket);
  addBackPressure(app, watchPressure(app));
  if (context.settings.METRICS_PORT !== 0) addMetrics(app, context.settings, [...diskMeasures, ...measured]);
  const methods = collectMethods(app);
  addShapes(app, shapes);
  await app.register(swagger, description);
  await add(app);
  addMethodAnswers(app, methods);
  return app;
}

function createApp(context: ServiceContext, logStream: BaseOptions["logStream"]): FastifyInstance {
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
