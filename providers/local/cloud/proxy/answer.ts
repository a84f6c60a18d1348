import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

/** How long one that was refused may go on sending, in milliseconds: cut off at once, it might lose the answer. */
const lingerMs = 1000;

/** What the load balancer lets through, as an answer 405 says it. */
export const allow = ["Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"] as const;

/** Answers a request in the load balancer's own name, as JSON `{ status, message }` like the app's answers. */
export function answer(
  res: ServerResponse,
  status: number,
  message: string,
  ...headers: readonly string[]
): void {
  const body = bodyOf(status, message);
  res.writeHead(status, [...headersOf(body), ...headers]);
  res.end(body);
}

/** The same where what came is no request: answers on its connection, and ends that. */
export function answerSocket(
  socket: Socket,
  status: number,
  message: string,
  ...headers: readonly string[]
): void {
  const body = bodyOf(status, message);
  const all = [...headersOf(body), ...headers, "Connection", "close"];
  const lines = all.map((text, index) => (index % 2 ? `${text}\r\n` : `${text}: `)).join("");
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once("end", () => socket.destroy()).once("close", () => clearTimeout(timer));
  socket.resume();
}

function bodyOf(status: number, message: string): string {
  return JSON.stringify({ status, message });
}

function headersOf(body: string): string[] {
  return [
    "Content-Type",
    "application/json; charset=utf-8",
    "Content-Length",
    String(Buffer.byteLength(body)),
    "X-Content-Type-Options",
    "nosniff",
    "Cache-Control",
    "no-store",
  ];
}
