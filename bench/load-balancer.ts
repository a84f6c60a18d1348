import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import type { ListenerSpec, Target } from "../providers/local/cloud/proxy/spec.ts";
import { freePort } from "../test/support/ports.ts";
import { haproxyIsThere, startHaproxy } from "./haproxy.ts";
import { median, type Row } from "./table.ts";

const machines = 9;
const connections = 64;
const rounds = 3;
const roundSeconds = 4;
const spec: ListenerSpec = {
  address: "127.78.1.1",
  port: 0,
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

/**
 * The app's `GET /` with 64 connections: one of nine machines asked directly, all through the load balancer, all
 * through a relay that only copies bytes, and all through HAProxy where that is on the PATH, in turn. Every machine, what
 * stands before them and the asking side are processes of their own and share this machine's cores.
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
    const balancerPort = await startInFront("balancer", targets, children);
    const relayPort = await startInFront("relay", targets, children);
    const haproxyPort = haproxyIsThere() ? await freePort() : undefined;
    if (haproxyPort !== undefined) await startHaproxy(spec, haproxyPort, targets, children);
    const ports = [balancerPort, relayPort, ...(haproxyPort === undefined ? [] : [haproxyPort])];
    const urls = [`http://127.78.2.1:${port}/`, ...ports.map((one) => `http://${spec.address}:${one}/`)];
    for (const url of urls) await measure(url, 2);
    const results: autocannon.Result[][] = [];
    for (let round = 0; round < rounds; round++) {
      results.push([]);
      for (const url of urls) results.at(-1)?.push(await measure(url, roundSeconds));
    }
    const [direct = 0, balanced = 0, relayed = 0, haproxy] = medians(
      results,
      ({ requests }) => requests.average,
    );
    const [directP99, balancedP99, , haproxyP99] = medians(results, ({ latency }) => latency.p99);
    const rates = {
      value: `${balanced.toFixed(0)}/s`,
      beside: `${direct.toFixed(0)}/s (one machine directly)`,
    };
    return [
      { what: "requests through the load balancer", ...rates, ratio: balanced / direct, goal: "ratio 0.60" },
      {
        what: "requests through a bare TCP relay",
        ...rates,
        value: `${relayed.toFixed(0)}/s`,
        ratio: relayed / direct,
      },
      {
        what: "p99 through the load balancer",
        value: `${balancedP99} ms`,
        beside: `${directP99} ms (one machine directly)`,
      },
      haproxy === undefined
        ? { what: "beside HAProxy", value: "not measured", beside: "haproxy is not on the PATH" }
        : {
            what: "requests through the load balancer, beside HAProxy",
            value: `${balanced.toFixed(0)}/s`,
            beside: `${haproxy.toFixed(0)}/s, p99 ${haproxyP99} ms (HAProxy)`,
            ratio: balanced / haproxy,
            goal: "ratio 0.70",
          },
    ];
  } finally {
    await Promise.all(children.map(stop));
  }
}

async function measure(url: string, duration: number): Promise<autocannon.Result> {
  const result = await autocannon({ url, connections, duration });
  const failed = result.errors + result.non2xx;
  if (failed > 0) throw new Error(`${url}: ${failed} of ${result.requests.total} requests failed.`);
  return result;
}

/** Of each column of results. */
function medians(rounds: autocannon.Result[][], figure: (result: autocannon.Result) => number): number[] {
  return (rounds[0] ?? []).map((_, i) =>
    median(rounds.map((round) => figure(round[i] as autocannon.Result))),
  );
}

function startMachine({ id, address, port }: Target): ChildProcess {
  const app = { PROJECT: "bench", CLUSTER: "app", ROOT: "greeting", PUBLIC: "false", DRAIN_SECONDS: "0" };
  const machine = { INSTANCE_ID: id, HOST: address, PORT: String(port), ADMIN_TOKEN_SHA256: "0".repeat(64) };
  return spawn(process.execPath, [fileURLToPath(import.meta.resolve("../service/server.ts"))], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...app, ...machine },
  });
}

async function startInFront(kind: string, targets: Target[], children: ChildProcess[]): Promise<number> {
  const child = fork(fileURLToPath(import.meta.resolve("./load-balancer-process.ts")), [kind]);
  children.push(child);
  child.send({ spec, targets });
  const late = new AbortController();
  const [port] = await Promise.race([once(child, "message"), delay(30_000, [], { signal: late.signal })]);
  late.abort();
  if (port === undefined) throw new Error(`The ${kind} was not ready in 30 s: do the nine machines start?`);
  return port;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
