import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { type AppOptions, buildApp } from "./app.ts";
import type { Signals } from "./controller/open.ts";
import { logCrashes } from "./crash.ts";
import { readSettings, type ServiceSettings } from "./settings/settings.ts";
import { openStore } from "./storage/index.ts";
import { readStoreSettings } from "./storage/settings.ts";

type Build = (settings: ServiceSettings, options: AppOptions) => Promise<FastifyInstance>;

/** How long uploads that were cut off may take to remove what they left in the store, in milliseconds. */
const cleanUpMs = 3000;

/**
 * Runs the app, or the controller where `ROLE` is that, until it is told to stop, as this process's only work. Exit codes:
 * 0 when stopped in order; 1 when the environment is wrong, `DRAIN_SECONDS` were not enough, or an error reached nobody
 * who could handle it (the supervisor starts the app anew, in a known state). A second signal ends the process at once,
 * with code 1.
 */
export async function run(environment: NodeJS.ProcessEnv, build: Build = buildApp): Promise<void> {
  const [draining, cutOff] = [new AbortController(), new AbortController()];
  const { settings, start } = await readyOrExit(environment, build);
  const app = await start({ draining: draining.signal, cutOff: cutOff.signal });
  logCrashes((error) => app.log.fatal({ err: error }, "crashed"));
  const onSignal = (signal: NodeJS.Signals) => {
    if (draining.signal.aborted) {
      app.log.warn({ signal }, "told to stop again: exiting at once");
      process.exit(1);
    }
    draining.abort();
    app.log.info({ signal }, "stopping");
    void stop(app, settings, cutOff);
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  await app.listen({ host: settings.HOST, port: settings.PORT });
}

interface Ready {
  readonly settings: ServiceSettings;
  start(signals: Signals): Promise<FastifyInstance>;
}

async function readyOrExit(environment: NodeJS.ProcessEnv, build: Build): Promise<Ready> {
  try {
    return await ready(environment, build);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

async function ready(environment: NodeJS.ProcessEnv, build: Build): Promise<Ready> {
  const settings = readSettings(environment);
  if (settings.ROLE === "controller") {
    const { openController } = await import("./controller/open.ts");
    return { settings, start: openController(settings, environment) };
  }
  const storeSettings = environment.STORE ? readStoreSettings(environment) : undefined;
  return {
    settings,
    start: async (signals) => {
      const store = storeSettings && (await openStore(storeSettings));
      const app = await build(settings, { ...signals, ...(store && { store }) });
      if (!store) app.log.warn("STORE is not set: there is no file API");
      return app;
    },
  };
}

/**
 * Takes requests for another `DEREGISTER_SECONDS`, so that the load balancer sees the health check fail first;
 * then takes no more, gives those that run `DRAIN_SECONDS` to finish, and uploads a moment more to clean up.
 */
async function stop(
  app: FastifyInstance,
  settings: ServiceSettings,
  cutOff: AbortController,
): Promise<never> {
  await sleep(settings.DEREGISTER_SECONDS * 1000);
  setTimeout(() => {
    app.log.error(`requests still ran after DRAIN_SECONDS=${settings.DRAIN_SECONDS} and were cut off`);
    process.exitCode = 1;
    cutOff.abort();
    setTimeout(() => process.exit(), cleanUpMs);
  }, settings.DRAIN_SECONDS * 1000);
  // For connections whose answer has begun, and so could not say `Connection: close`: they would stay open, idle.
  app.server.keepAliveTimeout = 1;
  await app.close();
  app.log.info("stopped");
  process.exit();
}
