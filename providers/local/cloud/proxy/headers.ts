import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** What the load balancer adds about a connection; the same for each of its requests. */
export interface Peer {
  /** The client's IP address. */
  readonly address: string;
  /** The port that the client connected to. */
  readonly port: string;
}

/**
 * A client's request headers as its machine gets them, as a flat list of names and values:
 * - those that concern one connection only (RFC 9110, 7.6.1), also those that Connection names, are left out;
 * - Host stays as the client sent it, so X-Forwarded-Host is not needed and a client's own is left out;
 * - X-Forwarded-For is appended to, as AWS does: only the last address is the load balancer's word;
 * - X-Forwarded-Proto and X-Forwarded-Port are the load balancer's own; X-Request-Id is made unless it is there.
 *
 * @param expectsContinue whether the machine is asked for `100 Continue`
 */
export function requestHeaders(req: IncomingMessage, peer: Peer, expectsContinue: boolean): string[] {
  const raw = req.rawHeaders;
  const named = namedByConnection(req.headers.connection);
  const headers: string[] = [];
  let forwardedFor = "";
  let identified = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    switch (name.toLowerCase()) {
      case "connection":
      case "keep-alive":
      case "proxy-connection":
      case "te":
      case "trailer":
      case "transfer-encoding":
      case "upgrade":
      case "expect":
      case "x-forwarded-host":
      case "x-forwarded-port":
      case "x-forwarded-proto":
        continue;
      case "x-forwarded-for":
        if (value !== "") forwardedFor += `${value}, `;
        continue;
      case "host":
      case "content-length":
        break;
      case "x-request-id":
        if (value === "" || identified) continue;
        identified = true;
        break;
      default:
        if (named?.has(name.toLowerCase())) continue;
    }
    headers.push(name, value);
  }
  headers.push("X-Forwarded-For", forwardedFor + peer.address, "X-Forwarded-Proto", "http");
  headers.push("X-Forwarded-Port", peer.port);
  if (!identified) headers.push("X-Request-Id", randomUUID());
  if (req.headers["transfer-encoding"] !== undefined) headers.push("Transfer-Encoding", "chunked");
  if (expectsContinue) headers.push("Expect", "100-continue");
  return headers;
}

/** A machine's response headers as the client gets them, flat, without those that concern one connection only. */
export function responseHeaders(received: IncomingHttpHeaders): string[] {
  const named = namedByConnection(received.connection);
  const headers: string[] = [];
  for (const name in received) {
    switch (name) {
      case "connection":
      case "keep-alive":
      case "proxy-connection":
      case "te":
      case "trailer":
      case "transfer-encoding":
      case "upgrade":
        continue;
    }
    if (named?.has(name)) continue;
    const value = received[name];
    if (typeof value === "string") headers.push(name, value);
    else for (const one of value ?? []) headers.push(name, one);
  }
  return headers;
}

function namedByConnection(connection: string | string[] | undefined): Set<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return undefined;
  return new Set(
    String(connection)
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
}

/** Whether a request's headers announce a body. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return (length !== undefined && length !== "0") || headers["transfer-encoding"] !== undefined;
}
