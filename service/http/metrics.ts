import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ServiceSettings } from "../settings/settings.ts";

/** Seconds; from a health check to an upload of gigabytes. */
const buckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** A number that is looked at when metrics are asked for. */
export interface Measured {
  readonly name: string;
  readonly help: string;
  value(): number;
}

/**
 * Counts and times every request, by method, route and status, beside what prom-client knows of the process: its event
 * loop, garbage collection and memory.
 */
function measure(app: FastifyInstance, settings: ServiceSettings, measured: readonly Measured[]): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({
    instance_id: settings.INSTANCE_ID,
    cluster: settings.CLUSTER,
    release: settings.RELEASE.slice(0, 12),
  });
  collectDefaultMetrics({ register: registry });
  for (const { name, help, value } of measured) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  }
  const durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "Requests: how many, and how long until the answer was sent",
    labelNames: ["method", "route", "status"],
    buckets,
    registers: [registry],
  });
  const aborted = new Counter({
    name: "http_requests_aborted_total",
    help: "Requests whose caller hung up before it had its answer",
    labelNames: ["method", "route"],
    registers: [registry],
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { method, route } = labelsOf(request);
    durations.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
  app.addHook("onRequestAbort", (request, done) => {
    aborted.inc(labelsOf(request));
    done();
  });
  return registry;
}

/** The route and not the path, which anybody can choose. */
function labelsOf({ method, routeOptions }: FastifyRequest) {
  return { method, route: routeOptions.url ?? "none" };
}

/**
 * Serves metrics to Prometheus while the app listens: `/metrics` on `METRICS_PORT`, which no load balancer shows to the
 * world.
 */
export function addMetrics(
  app: FastifyInstance,
  settings: ServiceSettings,
  measured: readonly Measured[],
): void {
  const registry = measure(app, settings, measured);
  const server = createServer((request, response) => {
    if (request.url !== "/metrics") response.writeHead(404).end();
    else void answer(registry, response, app);
  });
  app.addHook("onListen", async () => {
    server.listen(settings.METRICS_PORT, settings.HOST);
    await once(server, "listening");
  });
  app.addHook("onClose", () => new Promise<void>((resolve) => server.close(() => resolve())));
}

async function answer(registry: Registry, response: ServerResponse, app: FastifyInstance): Promise<void> {
  try {
    const text = await registry.metrics();
    response.writeHead(200, { "content-type": registry.contentType }).end(text);
  } catch (error) {
    app.log.error({ err: error }, "metrics failed");
    response.writeHead(500).end();
  }
}
