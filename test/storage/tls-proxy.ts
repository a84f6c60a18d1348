import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { makeCertificate } from "../boot/certificate.ts";
import { type Running, serverFolder } from "../servers/process.ts";

export interface TlsProxy extends Running {
  /** Makes a process of Node.js reach those names through the proxy, and trust it. */
  readonly environment: Readonly<Record<"HTTPS_PROXY" | "NO_PROXY" | "NODE_EXTRA_CA_CERTS", string>>;
}

/**
 * Starts a proxy that answers for some names itself, over TLS, and refuses all others. Clients must know of it: it
 * takes `CONNECT` (RFC 9110, 9.3.6).
 */
export async function startTlsProxy(names: Readonly<Record<string, RequestListener>>): Promise<TlsProxy> {
  const { folder, undo, stop } = await serverFolder("tls-proxy");
  const tls = await makeCertificate(Object.keys(names));
  const authority = join(folder, "authority.pem");
  await writeFile(authority, tls.cert);
  const servers = new Map(
    Object.entries(names).map(([name, listener]) => [`${name}:443`, createTlsServer(tls, listener)]),
  );
  const proxy = createServer().on("connect", ({ url = "" }, socket) => {
    const server = servers.get(url);
    if (!server) return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    server.emit("connection", socket);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  undo.push(async () => {
    proxy.closeAllConnections();
    for (const server of servers.values()) server.closeAllConnections();
    await once(proxy.close(), "close");
  });
  const { port } = proxy.address() as AddressInfo;
  return {
    environment: {
      HTTPS_PROXY: `http://127.0.0.1:${port}`,
      NO_PROXY: "127.0.0.1",
      NODE_EXTRA_CA_CERTS: authority,
    },
    stop,
  };
}
