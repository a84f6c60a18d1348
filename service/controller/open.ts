import type { FastifyInstance } from "fastify";
import { openCompute, readComputeSettings } from "../compute/index.ts";
import type { ServiceSettings } from "../settings/settings.ts";
import type { Environment } from "../settings/variables.ts";
import { openStore } from "../storage/index.ts";
import { readStoreSettings } from "../storage/settings.ts";
import { buildController } from "./controller.ts";
import { packedPage } from "./page-routes.ts";
import { readControllerSettings } from "./settings.ts";

/** Where the controller's document is in a bucket that has files and releases too; Swift has a container for it. */
const prefix = "controller/";

export interface Signals {
  readonly draining: AbortSignal;
  readonly cutOff: AbortSignal;
}

/**
 * Reads all that the controller needs, and gives what builds it.
 * @throws {Error} whose message has a line for each variable that is missing or wrong
 */
export function openController(
  settings: ServiceSettings,
  environment: Environment,
): (signals: Signals) => Promise<FastifyInstance> {
  const controller = readControllerSettings(environment);
  const storeSettings = readStoreSettings(environment);
  const computeSettings = readComputeSettings(environment);
  return async (signals) => {
    const [store, compute] = await Promise.all([
      openStore(storeSettings, { prefix }),
      openCompute(computeSettings, Object.values(controller.PEAK_IMAGES)),
    ]);
    const page = packedPage();
    return buildController(settings, controller, { store, compute, ...(page && { page }), ...signals });
  };
}
