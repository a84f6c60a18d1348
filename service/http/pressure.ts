import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { FastifyInstance } from "fastify";
import { HttpError } from "./http-error.ts";

/** How often is looked, in milliseconds. */
const sampleMs = 250;

/** With less of the heap's limit free, the collector takes most of the time before the process dies of it. */
const maxHeapShare = 0.9;

/** With fewer bytes left for this process, the kernel is about to kill something. */
const minAvailable = 32 * 1024 ** 2;

/** A delay of the event loop, in milliseconds, after which callers give up before they are answered. */
const maxDelayMs = 1000;

/** Why a machine can take no more for now, or undefined when it can. */
export type Pressure = () => string | undefined;

/** Watches this process's event loop and memory until the app is closed. */
export function watchPressure(app: FastifyInstance): Pressure {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let pressure: string | undefined;
  const sample = () => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    if (used > limit * maxHeapShare || process.availableMemory() < minAvailable) pressure = "short of memory";
    else pressure = delay.max / 1e6 > maxDelayMs ? "overloaded" : undefined;
    delay.reset();
  };
  const timer = setInterval(sample, sampleMs).unref();
  app.addHook("onClose", async () => {
    clearInterval(timer);
    delay.disable();
  });
  return () => pressure;
}

/**
 * Answers 503 with Retry-After while the machine is under pressure. Health checks are answered as ever: a machine that
 * is taken out for being busy makes the next one busier.
 */
export function addBackPressure(app: FastifyInstance, pressure: Pressure): void {
  app.addHook("onRequest", (request, _reply, done) => {
    const why = pressure();
    if (why === undefined || request.routeOptions.config.quiet) done();
    else done(new HttpError(503, `This machine is ${why}; try again later`, { "retry-after": 5 }));
  });
}
