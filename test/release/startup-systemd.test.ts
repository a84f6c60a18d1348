import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { renderStartup, type StartupArgs } from "../../release/startup.ts";
import { freePort } from "../support/ports.ts";
import {
  type Archive,
  appEnvironment,
  type IdentityServer,
  installed,
  type Machine,
  releaseArchive,
  runtimeArchive,
  serveIdentity,
  startMachine,
  writeTool,
} from "../support/startup.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

/** A cloud that, like the real ones, leaves supervision to systemd. */
const functions = `
instance_id() { request <<<"url = \\"$IDENTITY/instance-id\\""; }
fetch() { request --output "$2" <<<"url = \\"$IDENTITY/objects/$1\\""; }
`;

/** Stands in for a running systemd: records its calls, and runs the unit's command with the unit's environment file. */
const systemctl = `#!/usr/bin/env bash
set -euo pipefail
unit=$SWITCHYARD_ETC/systemd/system/switchyard.service
state=$SWITCHYARD_HOME/systemctl
echo "$*" >>"$state.calls"
running() { [[ -f $state.pid && $(ps -o stat= -p "$(<"$state.pid")") == [^Z]* ]]; }
end() { while running; do kill -KILL "$(<"$state.pid")"; sleep 0.01; done; }
case "$*" in
  *is-active*) running ;;
  *kill*) end ;;
  *restart*)
    end
    set -a
    source "$(sed -n 's/^EnvironmentFile=//p' "$unit")"
    eval "command=($(sed -n 's/^ExecStart=//p' "$unit"))"
    "\${command[@]}" >/dev/null 2>&1 &
    echo $! >"$state.pid"
    ;;
esac
`;

let runtime: Archive;
let release: Archive;
let identity: IdentityServer;
let home: string;
let etc: string;
let args: StartupArgs;

beforeAll(async () => {
  runtime = await runtimeArchive();
  release = await releaseArchive();
});

beforeEach(async () => {
  identity = await serveIdentity("i-0abc", [runtime, release]);
  home = await mkdtemp(join(tmpdir(), "home-"));
  etc = join(home, "etc");
  await writeTool(join(home, "tools"), "systemctl", systemctl);
  await writeTool(join(home, "tools"), "journalctl", '#!/bin/sh\necho "the journal: $*"\n');
  args = {
    release: { key: release.key, sha256: release.hash },
    runtime: { key: runtime.key, sha512: runtime.hash },
    environment: { ...appEnvironment, PORT: await freePort() },
    timeoutSeconds: 20,
    cloud: { functions, settings: { IDENTITY: identity.url }, environment: { STORE: "s3" } },
  };
});

afterEach(async () => {
  killApp();
  await identity.close();
  await rm(home, { recursive: true });
});

function killApp(): void {
  execFileSync(join(home, "tools/systemctl"), ["kill"], {
    env: { ...process.env, SWITCHYARD_HOME: home, SWITCHYARD_ETC: etc },
  });
}

async function run(changes: Partial<StartupArgs> = {}): Promise<{ code: number | string; output: string }> {
  const machine: Machine = await startMachine(renderStartup({ ...args, ...changes }), {
    PATH: `${join(home, "tools")}:${process.env.PATH}`,
    SWITCHYARD_HOME: home,
    SWITCHYARD_ETC: etc,
  });
  return { code: await machine.exited, output: machine.output() };
}

const unitFile = () => join(etc, "systemd/system/switchyard.service");
const environmentFile = () => join(etc, "switchyard/app.env");
const withPort = (port: number): Partial<StartupArgs> => ({
  environment: { ...args.environment, PORT: port },
  timeoutSeconds: 1,
});

async function calls(): Promise<string[]> {
  return (await readFile(join(home, "systemctl.calls"), "utf8")).trim().split("\n");
}

async function appVariables(): Promise<Record<string, string>> {
  const response = await fetch(`http://127.0.0.1:${args.environment.PORT}/`);
  return ((await response.json()) as { env: Record<string, string> }).env;
}

test("starts the app as a unit, and ends when it is healthy", async () => {
  const { code, output } = await run();
  expect(output).toMatch(
    /started the app in .*\n.*app is healthy in \d+\.\d s, at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n$/,
  );
  expect(code).toBe(0);
  expect(await calls()).toEqual([
    "daemon-reload",
    "--quiet enable switchyard.service",
    "restart switchyard.service",
  ]);
  expect(await appVariables()).toMatchObject({
    PROJECT: "lab1",
    STORE: "s3",
    RELEASE: release.hash,
    INSTANCE_ID: "i-0abc",
    HOST: "0.0.0.0",
  });
});

test("leaves a running app alone when nothing has changed", async () => {
  await run();
  const { code, output } = await run();
  expect(code).toBe(0);
  expect(output).toContain("found the app running");
  expect((await calls()).filter((call) => call.startsWith("restart"))).toHaveLength(1);
});

test("restarts the app when its environment has changed, or when it does not run", async () => {
  await run();
  const cloud = { ...args.cloud, environment: { STORE: "gcs" } };
  expect((await run({ cloud })).code).toBe(0);
  expect((await appVariables()).STORE).toBe("gcs");
  killApp();
  expect((await run({ cloud })).output).toContain("started the app");
  expect((await calls()).filter((call) => call.startsWith("restart"))).toHaveLength(3);
});

test("fails with the end of the journal when the app does not become healthy", async () => {
  const sick = await releaseArchive(503);
  await identity.close();
  identity = await serveIdentity("i-0abc", [runtime, sick]);
  const { code, output } = await run({
    release: { key: sick.key, sha256: sick.hash },
    timeoutSeconds: 1,
    cloud: { ...args.cloud, settings: { IDENTITY: identity.url } },
  });
  expect(code).toBe(1);
  expect(output).toContain("the journal: --unit switchyard.service --no-pager --lines 40\n");
  expect(output).toMatch(/error: no healthy answer at http.* within 1 s; see journalctl --unit switchyard\n/);
  expect(output).toMatch(/failed while waiting for the app, after \d+\.\d s, with exit status 1\n$/);
});

test("shows the app's environment to root alone, and quotes it as systemd reads it", async () => {
  const cloud = { ...args.cloud, environment: { ODD: `it's "two words" $(exit 7) \`exit 7\` a=b \\` } };
  await run({ cloud });
  expect((await stat(environmentFile())).mode & 0o777).toBe(0o600);
  expect((await readFile(environmentFile(), "utf8")).split("\n")).toContain(
    `ODD="it's \\"two words\\" \\$(exit 7) \\\`exit 7\\\` a=b \\\\"`,
  );
  expect((await appVariables()).ODD).toBe(cloud.environment.ODD);
});

test("keeps the app in a sandbox", async () => {
  const cloud = { ...args.cloud, environment: { DEREGISTER_SECONDS: 5 } };
  await run({ ...withPort(5000), cloud });
  const lines = (await readFile(unitFile(), "utf8")).split("\n");
  const kernel = ["Logs", "Modules", "Tunables"].map((part) => `ProtectKernel${part}=yes`);
  for (const line of [
    "DynamicUser=yes",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX",
    "SystemCallFilter=@system-service",
    "MemoryDenyWriteExecute=no",
    "AmbientCapabilities=",
    "CapabilityBoundingSet=",
    ...kernel,
    "Restart=always",
    "KillMode=mixed",
    "KillSignal=SIGTERM",
    "TimeoutStopSec=16",
    `EnvironmentFile=${environmentFile()}`,
  ]) {
    expect(lines).toContain(line);
  }
});

test("lets the app bind a port below 1024, and gives it nothing more", async () => {
  await run(withPort(80));
  const unit = await readFile(unitFile(), "utf8");
  expect(unit).toContain("\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n");
  expect(unit).toContain("\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n");
});

test.skipIf(!installed("systemd-analyze"))("writes a unit that systemd accepts", async () => {
  await run();
  const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", unitFile()], { encoding: "utf8" });
  expect((stdout + stderr).split("\n").filter((line) => line.includes("switchyard.service"))).toEqual([]);
});
