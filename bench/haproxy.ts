import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ListenerSpec, Target } from "../providers/local/cloud/proxy/spec.ts";

/** How long it may take until it serves, in milliseconds. */
const startLimitMs = 10_000;

/** Whether Debian's package `haproxy`, or another, is on the PATH. */
export function haproxyIsThere(): boolean {
  return spawnSync("haproxy", ["-v"], { stdio: "ignore" }).status === 0;
}

/** The same work as the load balancer's: reused connections, health checks, X-Forwarded headers; threads as by default. */
function configuration(spec: ListenerSpec, port: number, targets: readonly Target[]): string {
  const { path, intervalSeconds, healthyThreshold, unhealthyThreshold } = spec.healthCheck;
  const check = `check inter ${intervalSeconds}s rise ${healthyThreshold} fall ${unhealthyThreshold}`;
  return `global
  maxconn 1000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option forwardfor
frontend edge
  bind ${spec.address}:${port}
  http-request set-header X-Forwarded-Proto http
  default_backend app
backend app
  balance leastconn
  http-reuse always
  option httpchk GET ${path}
${targets.map((target) => `  server ${target.id} ${target.address}:${target.port} ${check}`).join("\n")}
`;
}

/** Starts HAProxy in front of machines. Resolves when it serves; ending the process is the caller's. */
export async function startHaproxy(
  spec: ListenerSpec,
  port: number,
  targets: readonly Target[],
  children: ChildProcess[],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "haproxy-"));
  const file = join(folder, "haproxy.cfg");
  writeFileSync(file, configuration(spec, port, targets));
  const child = spawn("haproxy", ["-db", "-f", file], { stdio: ["ignore", "ignore", "inherit"] });
  children.push(child);
  child.once("exit", () => rmSync(folder, { recursive: true }));
  for (const deadline = performance.now() + startLimitMs; performance.now() < deadline; ) {
    if (await serves(`http://${spec.address}:${port}/`)) return;
    await pause(50);
  }
  throw new Error(`HAProxy did not serve within ${startLimitMs / 1000} s`);
}

async function serves(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // it does not listen yet
  }
}
