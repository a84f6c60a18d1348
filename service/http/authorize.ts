import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { ServiceSettings } from "../settings/settings.ts";
import { pathOf } from "./errors.ts";
import { HttpError } from "./http-error.ts";
import { addressMatcher } from "./proxies.ts";

const isLoopback = addressMatcher(["127.0.0.0/8", "::1/128"]);

/** Whether a request never left this host: the client and the load balancer that it came by are loopback. */
function stayedHere({ ip, ips = [ip] }: FastifyRequest): boolean {
  return ips.every(isLoopback);
}

/**
 * A hook that lets only the administrator pass: 403 for a request in clear, whose token anybody on the way could read,
 * else 401 without the token. It belongs where requests have been counted (rate-limit.ts), and none of the body is read. `PUBLIC` lets everybody pass.
 *
 * Behind a load balancer, `request.protocol` is what that reports in X-Forwarded-Proto; from anywhere else the header
 * means nothing (proxies.ts).
 */
export function authorize(settings: ServiceSettings): (request: FastifyRequest) => Promise<void> {
  if (settings.PUBLIC) return async () => {};
  const expected = Buffer.from(settings.ADMIN_TOKEN_SHA256, "hex");
  const realm = `Bearer realm="${settings.PROJECT.replaceAll(/["\\]/g, "\\$&")}"`;
  return async (request) => {
    if (request.protocol !== "https" && !stayedHere(request)) {
      throw new HttpError(
        403,
        "A token in clear is no token: this needs HTTPS. Whoever was on the way may have read a token that came with this request",
      );
    }
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) {
      throw new HttpError(
        401,
        `${request.method} ${pathOf(request)} needs the header Authorization: Bearer <admin token>`,
        { "www-authenticate": realm },
      );
    }
    if (timingSafeEqual(createHash("sha256").update(token).digest(), expected)) return;
    throw new HttpError(401, "The token is not this deployment's admin token", {
      "www-authenticate": `${realm}, error="invalid_token"`,
    });
  };
}

/** RFC 6750, 2.1; the scheme's name in any case (RFC 9110, 11.1). */
function bearerToken(header = ""): string | undefined {
  return /^bearer +([\w.~+/-]+=*) *$/i.exec(header)?.[1];
}
