import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { onTestFinished } from "vitest";
import { buildController } from "../../../service/controller/controller.ts";
import type { PageFiles } from "../../../service/controller/page-routes.ts";
import { readControllerSettings } from "../../../service/controller/settings.ts";
import { readSettings } from "../../../service/settings/settings.ts";
import { type MemoryStore, memoryStore } from "../../support/memory-store.ts";
import { environment } from "../environment.ts";
import { bearer, token } from "../file-api.ts";
import { type FakeCompute, fakeCompute, groups } from "./fakes.ts";

export interface ControllerApi {
  readonly app: FastifyInstance;
  readonly store: MemoryStore;
  readonly compute: FakeCompute;
  readonly clock: { now: number };
  log(): Record<string, unknown>[];
  /** Calls the API with the token; the body as JSON. */
  call(
    method: "GET" | "POST" | "PATCH" | "DELETE",
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Record<string, unknown>; json: ApiAnswer }>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly message: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests say what is in it
  readonly content: any;
  readonly maxMachines?: number;
}

export const controllerEnvironment = {
  PEAK_GROUPS: JSON.stringify(groups),
  MAX_MACHINES: "10",
  PEAK_FLAVORS: JSON.stringify({ standard: "m1.small", large: "9" }),
  PEAK_IMAGES: JSON.stringify({ lean: "debian-13" }),
};

/** A controller over a store and a cloud in memory; changing anything needs {@link token}. */
export async function startController(
  start: number,
  variables: Record<string, string> = {},
  page?: PageFiles,
): Promise<ControllerApi> {
  const lines: string[] = [];
  const [store, compute, clock] = [memoryStore(), fakeCompute(), { now: start }];
  const sha256 = createHash("sha256").update(token).digest("hex");
  const all = { ...environment, ...controllerEnvironment, ADMIN_TOKEN_SHA256: sha256, ...variables };
  const app = await buildController(readSettings(all), readControllerSettings(all), {
    store,
    compute,
    ...(page && { page }),
    logStream: { write: (line: string) => void lines.push(line) },
    now: () => clock.now,
  });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return {
    app,
    store,
    compute,
    clock,
    log: () => lines.map((line) => JSON.parse(line)),
    async call(method, url, body, headers = {}) {
      const answer = await app.inject({
        method,
        url,
        headers: { ...bearer, ...headers },
        ...(body !== undefined && { payload: body as object }),
      });
      return { status: answer.statusCode, headers: answer.headers, json: answer.json() };
    },
  };
}
