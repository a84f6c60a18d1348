import type { ServerResponse } from "node:http";

/** Answers a request in the load balancer's own name, as JSON `{ status, message }` like the app's answers. */
export function answer(
  res: ServerResponse,
  status: number,
  message: string,
  ...headers: readonly string[]
): void {
  const body = JSON.stringify({ status, message });
  res.writeHead(status, [
    "Content-Type",
    "application/json; charset=utf-8",
    "Content-Length",
    String(Buffer.byteLength(body)),
    "Cache-Control",
    "no-store",
    ...headers,
  ]);
  res.end(body);
}
