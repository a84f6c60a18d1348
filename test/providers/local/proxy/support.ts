import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import {
  createLoadBalancer,
  type LoadBalancer,
  type LoadBalancerOptions,
} from "../../../../providers/local/cloud/proxy/load-balancer.ts";
import type { ListenerSpec, Log, Target } from "../../../../providers/local/cloud/proxy/spec.ts";

export const balancerAddress = "127.77.9.200";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly details: object;
}

export function recordingLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (details: object, message: string) => {
    lines.push({ level, message, details });
  };
  return { lines, log: { info: at("info"), warn: at("warn"), error: at("error") } };
}

export interface TestMachine extends Target {
  readonly server: http.Server;
  /** Requests it got, health checks aside. */
  readonly requests: http.IncomingMessage[];
  /** What `GET /healthz` answers. */
  health: number;
  stop(): Promise<void>;
}

/** A machine: a real HTTP server on a loopback address of its own. By default it answers with its id. */
export async function machine(
  number: number,
  answer: http.RequestListener = (_, res) => res.end(`m${number}`),
  port = 0,
): Promise<TestMachine> {
  const requests: http.IncomingMessage[] = [];
  const address = `127.77.9.${number}`;
  const server = http.createServer((req, res) => {
    if (req.url === "/healthz") {
      res.writeHead(self.health).end();
      return;
    }
    requests.push(req);
    answer(req, res);
  });
  server.listen(port, address);
  await once(server, "listening");
  const self: TestMachine = {
    id: `m${number}`,
    address,
    port: (server.address() as AddressInfo).port,
    server,
    requests,
    health: 200,
    async stop() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  onTestFinished(() => self.stop());
  return self;
}

export function spec(changes: Partial<ListenerSpec> = {}): ListenerSpec {
  return {
    address: balancerAddress,
    port: 0,
    allow: ["127.0.0.0/8"],
    healthCheck: {
      path: "/healthz",
      intervalSeconds: 60,
      timeoutSeconds: 1,
      healthyThreshold: 1,
      unhealthyThreshold: 2,
    },
    backends: [{ name: "app", weight: 1 }],
    drainSeconds: 5,
    ...changes,
  };
}

export interface Running extends LoadBalancer {
  readonly lines: LogLine[];
  readonly port: number;
  readonly url: string;
}

/** A load balancer in front of machines, which are all healthy when this resolves. */
export async function balancer(
  targets: Readonly<Record<string, readonly Target[]>>,
  changes: Partial<ListenerSpec> = {},
  options: Partial<LoadBalancerOptions> = {},
): Promise<Running> {
  const { log, lines } = recordingLog();
  const loadBalancer = createLoadBalancer({ log, ...options });
  onTestFinished(() => loadBalancer.close());
  await loadBalancer.apply(spec(changes));
  for (const [name, machines] of Object.entries(targets)) loadBalancer.setTargets(name, machines);
  await until(() => loadBalancer.health().every(({ state }) => state === "healthy"));
  const { port } = loadBalancer.address as AddressInfo;
  return Object.assign(Object.create(loadBalancer), {
    lines,
    port,
    url: `http://${balancerAddress}:${port}`,
  });
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly text: string;
}

/** One request over a connection of its own, unless an agent is given. */
export function ask(url: string, options: http.RequestOptions = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = http.request(url, { agent: false, ...options }, async (res) => {
      try {
        let text = "";
        for await (const chunk of res.setEncoding("latin1")) text += chunk;
        resolve({ status: res.statusCode ?? 0, headers: res.headers, trailers: res.trailers, text });
      } catch (error) {
        reject(error);
      }
    });
    req.on("error", reject);
    req.end(body);
  });
}

/** A raw connection, for what no client would send. */
export async function connect(port: number, allowHalfOpen = false): Promise<Socket> {
  const socket = net.connect({ port, host: balancerAddress, allowHalfOpen });
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Sends bytes and resolves with all that comes back until the connection is closed. */
export async function raw(port: number, bytes: string): Promise<string> {
  const socket = await connect(port);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  socket.write(bytes, "latin1");
  await once(socket, "close");
  return text;
}
