import { anyError, jsonAnswer } from "../api/schemas.ts";
import type { Compute, Offer } from "../compute/compute.ts";
import { HttpError } from "../http/http-error.ts";
import { within } from "../storage/faults.ts";
import { type ControllerRoutes, limited, noStore } from "./routes.ts";
import { scheduleErrors } from "./shapes.ts";

/** `GET` of what the cloud has, with the names by which schedules may have it. */
export function offerRoutes(compute: Compute): ControllerRoutes {
  return async (app, context) => {
    const { PEAK_FLAVORS, PEAK_IMAGES } = context.controller;
    const kinds = [
      ["/images", "listImages", "images", () => compute.images(), PEAK_IMAGES],
      ["/flavors", "listFlavors", "flavors", () => compute.flavors(), PEAK_FLAVORS],
      ["/networks", "listNetworks", "networks", () => compute.networks(), {}],
    ] as const;
    for (const [url, operationId, what, ask, named] of kinds)
      app.get(url, {
        schema: {
          operationId,
          summary: `The cloud's ${what}, and what schedules may name them by`,
          tags: ["cloud"],
          response: {
            200: jsonAnswer(`The ${what}`, "OfferList"),
            ...scheduleErrors(400, 429, 502, 503),
            default: anyError,
          },
        },
        handler: async (request, reply) => {
          const offers = await within(limited(context), context.settings.STORE_SECONDS * 1000, ask()).catch(
            (error: unknown) => {
              request.log.error({ err: error }, `the cloud does not list its ${what}`);
              throw new HttpError(
                502,
                `The cloud does not list its ${what}; see request ${request.id} in the log`,
              );
            },
          );
          const content = offers.map((offer) => ({ ...offer, ...namesOf(offer, named) }));
          return noStore(reply).send({ status: 200, message: `${content.length} ${what}`, content });
        },
      });
  };
}

function namesOf({ id, name }: Offer, named: Readonly<Record<string, string>>): { names?: string[] } {
  const names = Object.entries(named).flatMap(([known, own]) => (own === id || own === name ? [known] : []));
  return names.length > 0 ? { names } : {};
}
