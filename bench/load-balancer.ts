import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import type { ListenerSpec, Target } from "../providers/local/cloud/proxy/spec.ts";

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p99: number;
  /** Share of the first row's requests per second. */
  readonly share: number;
}

const machines = 9;
const connections = 50;
const seconds = 5;
const address = "127.78.1.1";

/**
 * Requests per second of the app's `GET /` with 50 connections: one machine asked directly, then nine machines through
 * the load balancer. Machines, load balancer and the asking side are processes of their own and share this machine's
 * cores, so the share says as much about their number as about the load balancer.
 */
export async function benchLoadBalancer(): Promise<Row[]> {
  const children: ChildProcess[] = [];
  try {
    const port = await freePort();
    const targets = Array.from({ length: machines }, (_, i) => ({
      id: `m${i + 1}`,
      address: `127.78.2.${i + 1}`,
      port,
    }));
    children.push(...targets.map(startMachine));
    children.push(await startLoadBalancer(port, targets));
    const direct = `http://${targets[0]?.address}:${port}/`;
    const balanced = `http://${address}:${port}/`;
    for (const url of [direct, balanced]) await measure(url, 2);
    const first = await measure(direct, seconds);
    const second = await measure(balanced, seconds);
    return [row("One machine, directly", first, first), row("Nine, load balanced", second, first)];
  } finally {
    await Promise.all(children.map(stop));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function startMachine({ id, address, port }: Target): ChildProcess {
  return spawn(process.execPath, [fileURLToPath(import.meta.resolve("../service/server.ts"))], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PROJECT: "bench",
      CLUSTER: "app",
      ROOT: "greeting",
      PUBLIC: "false",
      ADMIN_TOKEN_SHA256: "0".repeat(64),
      DRAIN_SECONDS: "0",
      INSTANCE_ID: id,
      HOST: address,
      PORT: String(port),
    },
  });
}

async function startLoadBalancer(port: number, targets: readonly Target[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.resolve("./load-balancer-process.ts")));
  const spec: ListenerSpec = {
    address,
    port,
    allow: ["127.0.0.0/8"],
    healthCheck: {
      path: "/healthz",
      intervalSeconds: 5,
      timeoutSeconds: 2,
      healthyThreshold: 1,
      unhealthyThreshold: 2,
    },
    backends: [{ name: "app", weight: 1 }],
    drainSeconds: 0,
  };
  child.send({ spec, targets });
  const ready = await Promise.race([once(child, "message"), once(child, "exit"), delay(30_000, ["late"])]);
  if (ready[0] !== "ready")
    throw new Error("The machines did not become healthy within 30 s; see their output above.");
  return child;
}

function measure(url: string, duration: number): Promise<autocannon.Result> {
  return autocannon({ url, connections, duration });
}

function row(name: string, result: autocannon.Result, first: autocannon.Result): Row {
  const failed = result.errors + result.non2xx;
  if (failed > 0) throw new Error(`${name}: ${failed} of ${result.requests.total} requests failed.`);
  const share = result.requests.average / first.requests.average;
  return { name, requestsPerSecond: result.requests.average, p99: result.latency.p99, share };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
