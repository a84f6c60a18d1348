import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { vi } from "vitest";
import { createTokens, refuse, serveMetadata } from "../../storage/google.ts";

export interface ComputeServer {
  /** Where its API begins. */
  readonly root: string;
  /** Makes this process a machine of Google's that reaches it. */
  stub(): void;
  stop(): void;
}

/**
 * A server that answers as Compute Engine does, as much of it as a test says, to who has a token of the metadata server.
 * @param answer a body, or a status that it refuses by; undefined: there is no such thing
 */
export async function startCompute(
  // biome-ignore lint/suspicious/noExplicitAny: bodies are whatever JSON
  answer: (url: URL, method: string, body?: any) => object | number | undefined,
): Promise<ComputeServer> {
  const tokens = createTokens(() => 3600);
  const metadata = serveMetadata(tokens.give);
  const server = createServer(async (request, response) => {
    if (request.url?.startsWith("/computeMetadata/")) return metadata(request, response);
    if (!tokens.scopesOf(request)) return refuse(response, 401);
    const sent = await text(request);
    const url = new URL(request.url ?? "", "http://compute");
    const body = answer(url, request.method ?? "", sent ? JSON.parse(sent) : undefined) ?? 404;
    if (typeof body === "number") return refuse(response, body);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const root = `http://${address}/compute/v1/`;
  return {
    root,
    stub() {
      vi.stubEnv("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", root);
      vi.stubEnv("GCE_METADATA_HOST", address);
      vi.stubEnv("METADATA_SERVER_DETECTION", "assume-present");
      // Where the SDK looks for a person's own credentials.
      vi.stubEnv("HOME", "/nonexistent");
    },
    stop: () => void server.close().closeAllConnections(),
  };
}
