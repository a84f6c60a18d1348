import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance } from "fastify";
import { HttpError } from "./http-error.ts";

/**
 * Lets each client address, as the load balancer reports it (for IPv6 its /64), make `max` requests a minute to the
 * routes that are added to `app` after this; then answers 429 with Retry-After. Each machine counts for itself.
 */
export async function addRateLimit(app: FastifyInstance, max: number): Promise<void> {
  await app.register(rateLimit, {
    max,
    timeWindow: "1 minute",
    errorResponseBuilder: (request, { after }) =>
      new HttpError(429, `Too many requests from ${request.ip}; try again in ${after}`),
  });
}
