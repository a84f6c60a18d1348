import type { FastifyInstance } from "fastify";
import { openapiOptions } from "../api/openapi.ts";
import { buildBase } from "../base.ts";
import type { Compute } from "../compute/compute.ts";
import type { ServiceContext } from "../context.ts";
import { refuseUnknownQueries } from "../http/query.ts";
import { addRateLimit } from "../http/rate-limit.ts";
import { docsRoutes } from "../routes/docs.ts";
import { healthRoutes } from "../routes/health.ts";
import { openapiRoutes } from "../routes/openapi.ts";
import type { ServiceSettings } from "../settings/settings.ts";
import type { BucketStore } from "../storage/store.ts";
import { openDocument } from "./document.ts";
import { editRoutes } from "./edit-routes.ts";
import { Loop } from "./loop.ts";
import { offerRoutes } from "./offer-routes.ts";
import { type PageFiles, pageRoutes } from "./page-routes.ts";
import { type ControllerContext, readRoutes } from "./routes.ts";
import type { ControllerSettings } from "./settings.ts";
import { scheduleShapes } from "./shapes.ts";

export interface ControllerOptions {
  /** Where the schedules are kept; its prefix is `controller/` where it shares a bucket. */
  readonly store: BucketStore;
  readonly compute: Compute;
  /** The page for people. Default: none. */
  readonly page?: PageFiles;
  readonly draining?: AbortSignal;
  readonly cutOff?: AbortSignal;
  readonly logStream?: { write(line: string): void };
  /** Milliseconds since the epoch. Default: the system's. */
  readonly now?: () => number;
}

const about = (project: string) => ({
  title: `${project} peak hours`,
  description: "Schedules of extra machines. Whoever reaches this may read them.",
  tags: [
    { name: "schedules", description: "When there are more machines, and how many" },
    { name: "cloud", description: "What the cloud has" },
  ],
});

/** Builds the controller: its API, and the loop that begins when it listens. It never listens by itself. */
export async function buildController(
  settings: ServiceSettings,
  controller: ControllerSettings,
  options: ControllerOptions,
): Promise<FastifyInstance> {
  const { store, compute, page, logStream, now = Date.now } = options;
  const never = new AbortController().signal;
  const { draining = never, cutOff = never } = options;
  const context: ServiceContext = { settings, draining, cutOff };
  const document = openDocument(store);
  const late: { loop?: Loop } = {};
  const sum = (key: "wanted" | "running") =>
    late.loop?.groups.reduce((total, group) => total + (group[key] ?? 0), 0) ?? 0;
  const base = {
    bucket: store.bucket,
    ...(logStream && { logStream }),
    measured: [
      {
        name: "peak_machines_wanted",
        help: "Extra machines that schedules ask for",
        value: () => sum("wanted"),
      },
      { name: "peak_machines_running", help: "Extra machines that run", value: () => sum("running") },
      {
        name: "peak_groups_failing",
        help: "Groups that do not get to the size that schedules ask for, for a reason that the cloud gives",
        value: () => late.loop?.groups.filter(({ problem }) => problem !== undefined).length ?? 0,
      },
    ],
    shapes: scheduleShapes,
    description: openapiOptions({ ...settings, PUBLIC: false }, about(settings.PROJECT)),
  };
  return buildBase(context, base, async (app) => {
    const loop = new Loop({
      document,
      compute,
      groups: controller.PEAK_GROUPS,
      maxMachines: controller.MAX_MACHINES,
      schedules: controller.SCHEDULES,
      machine: settings.INSTANCE_ID,
      log: app.log,
      now,
    });
    late.loop = loop;
    for (const routes of [healthRoutes, openapiRoutes, docsRoutes]) await app.register(routes, context);
    if (page) await app.register(pageRoutes(page), context);
    await app.register(async (api) => {
      const full: ControllerContext = { ...context, controller, document, loop, now };
      refuseUnknownQueries(api);
      if (settings.RATE_LIMIT > 0) await addRateLimit(api, settings.RATE_LIMIT);
      for (const routes of [readRoutes, editRoutes, offerRoutes(compute)]) await api.register(routes, full);
    });
    app.addHook("onListen", async () => void loop.wake());
    app.addHook("preClose", () => loop.close());
    app.addHook("onClose", () => store.close());
  });
}
