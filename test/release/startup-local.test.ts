import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { renderStartup, type StartupArgs } from "../../release/startup.ts";
import { freePort } from "../support/ports.ts";
import {
  type Archive,
  type IdentityServer,
  localStartup,
  type Machine,
  releaseArchive,
  runtimeArchive,
  serveIdentity,
  startMachine,
  untilOutput,
  writeTool,
} from "../support/startup.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const healthy = "switchyard: app is healthy in";
const host = "127.77.1.11";
let runtime: Archive;
let release: Archive;
let identity: IdentityServer;
let home: string;
let args: StartupArgs;
let machines: Machine[];

beforeAll(async () => {
  runtime = await runtimeArchive();
  release = await releaseArchive();
});

beforeEach(async () => {
  identity = await serveIdentity("cluster1-abc", [runtime, release]);
  home = await mkdtemp(join(tmpdir(), "home-"));
  args = localStartup(release, runtime, await freePort());
  machines = [];
});

afterEach(async () => {
  for (const machine of machines) machine.process.kill("SIGKILL");
  await identity.close(); // ends downloads that outlive their script
  await Promise.all(machines.map((machine) => machine.exited));
  await rm(home, { recursive: true });
});

async function start(changes: Partial<StartupArgs> = {}, env: Record<string, string> = {}): Promise<Machine> {
  const machine = await startMachine(renderStartup({ ...args, ...changes }), {
    SWITCHYARD_IDENTITY_URL: identity.url,
    SWITCHYARD_HOME: home,
    HOST: host,
    ...env,
  });
  machines.push(machine);
  return machine;
}

interface Answer {
  readonly pid: number;
  readonly execArgv: string[];
  readonly env: Record<string, string>;
}

async function askApp(address = host): Promise<Answer> {
  const response = await fetch(`http://${address}:${args.environment.PORT}/`);
  return (await response.json()) as Answer;
}

const objectPaths = () => [`/objects/${runtime.key}`, `/objects/${release.key}`];
const serverError = (response: ServerResponse) => void response.writeHead(500).end();
const reset = (response: ServerResponse) => void response.socket?.resetAndDestroy();

test("becomes the app, under the same process id, and logs each step with its duration", async () => {
  const machine = await start();
  await untilOutput(machine, healthy);
  expect((await askApp()).pid).toBe(machine.process.pid);
  const steps = machine.output().trim().split("\n");
  expect(steps.map((line) => line.replace(/ in \d+\.\d s(, at 20\S+Z)?$/, ""))).toEqual([
    "switchyard: checked tools",
    "switchyard: identified the machine as cluster1-abc",
    "switchyard: fetched runtime",
    "switchyard: unpacked runtime",
    "switchyard: fetched release",
    "switchyard: unpacked release",
    "switchyard: app is healthy",
  ]);
  const versions = [`runtimes/${runtime.hash.slice(0, 16)}`, `releases/${release.hash}`];
  const files = await Promise.all(versions.map((version) => readdir(join(home, version))));
  expect(files.map((names) => names.sort())).toEqual([
    ["LICENSE", "bin"],
    ["package.json", "server.js"],
  ]);
});

test("tells the app what it was told, and nothing else", async () => {
  const odd = `it's "two words" $(exit 7) \`exit 7\` $HOME \\`;
  const cloud = { ...args.cloud, environment: { ODD: odd } };
  await untilOutput(await start({ cloud }, { LEAK: "x", SHELLOPTS: "braceexpand:hashall" }), healthy);
  const { _, PWD, SHLVL, ...environment } = (await askApp()).env;
  expect(environment).toEqual({
    ...Object.fromEntries(Object.entries(args.environment).map(([name, value]) => [name, String(value)])),
    ODD: odd,
    RELEASE: release.hash,
    INSTANCE_ID: "cluster1-abc",
    HOST: host,
    IDENTITY_URL: identity.url,
    NODE_OPTIONS: "--max-old-space-size=64",
  });
});

test("fetches again after failures", async () => {
  identity.intercept("/instance-id", reset);
  identity.intercept(`/objects/${release.key}`, serverError, reset);
  const machine = await start();
  await untilOutput(machine, healthy);
  expect(identity.requests.filter((path) => path.endsWith(release.key))).toHaveLength(3);
  expect(machine.output()).toMatch(
    /fetching release failed \(attempt 2, exit status \d+\); next attempt in \d+ ms/,
  );
});

test("fetches again what arrived incomplete", async () => {
  identity.intercept(`/objects/${release.key}`, (response) => {
    response.writeHead(200, { "content-length": release.bytes.length });
    response.write(release.bytes.subarray(0, 100), () => reset(response));
  });
  await untilOutput(await start(), healthy);
});

test("gives up when an object never comes, and names the step", async () => {
  identity.intercept(`/objects/${runtime.key}`, ...Array(20).fill(serverError));
  const machine = await start();
  expect(await machine.exited).toBe(1);
  expect(identity.requests.filter((path) => path.endsWith(runtime.key))).toHaveLength(10);
  expect(machine.output()).toContain("error: fetching runtime failed 10 times, at last with exit status 22");
  expect(machine.output()).toMatch(/failed while fetching runtime, after \d+\.\d s, with exit status 1\n$/);
  expect(machine.output()).not.toContain(identity.secret);
});

test("refuses an object with the wrong hash, and keeps nothing of it", async () => {
  const expected = "0".repeat(64);
  const machine = await start({ release: { key: release.key, sha256: expected } });
  expect(await machine.exited).toBe(1);
  expect(machine.output()).toContain(
    `error: wrong hash of ${release.key}: expected ${expected}, got ${release.hash} (sha256sum)`,
  );
  expect(await readdir(join(home, "releases"))).toEqual([`${expected}.lock`]);
});

test("keeps nothing of what it cannot unpack", async () => {
  const tar = `#!/bin/sh\nmkdir -p "$4" && echo half >"$4/half"\necho 'tar: No space left on device' >&2\nexit 2\n`;
  await writeTool(join(home, "tools"), "tar", tar);
  const machine = await start({}, { PATH: `${join(home, "tools")}:${process.env.PATH}` });
  expect(await machine.exited).toBe(2);
  expect(machine.output()).toContain("No space left on device");
  expect(await readdir(join(home, "runtimes"))).toEqual([`${runtime.hash.slice(0, 16)}.lock`]);
});

test("downloads nothing when run again", async () => {
  const first = await start();
  await untilOutput(first, healthy);
  first.process.kill("SIGTERM");
  await first.exited;
  const before = identity.requests.length;
  const second = await start();
  await untilOutput(second, healthy);
  expect(identity.requests.slice(before)).toEqual(["/instance-id"]);
  expect(second.output()).toMatch(/found runtime in .*\n.*found release in /);
});

test("starts over after a script that was killed in the middle of a download", async () => {
  const begun = new Promise<void>((resolve) => {
    identity.intercept(`/objects/${release.key}`, (response) => {
      response.writeHead(200, { "content-length": release.bytes.length });
      response.write(release.bytes.subarray(0, 100), () => resolve());
    });
  });
  const first = await start();
  await begun;
  first.process.kill("SIGKILL");
  await untilOutput(await start(), healthy);
});

test("fetches once for nine machines that share a disk", async () => {
  const addresses = Array.from({ length: 9 }, (_, i) => `127.77.2.${i + 1}`);
  const started = await Promise.all(addresses.map((address) => start({}, { HOST: address })));
  await Promise.all(started.map((machine) => untilOutput(machine, healthy)));
  const pids = await Promise.all(addresses.map(async (address) => (await askApp(address)).pid));
  expect(pids).toEqual(started.map((machine) => machine.process.pid));
  expect(identity.requests.filter((path) => path !== "/instance-id")).toEqual(objectPaths());
});

test("stops an app that does not become healthy", async () => {
  const sick = await releaseArchive(503);
  await identity.close();
  identity = await serveIdentity("cluster1-abc", [runtime, sick]);
  const machine = await start({ release: { key: sick.key, sha256: sick.hash }, timeoutSeconds: 1 });
  expect(await machine.exited).toBe("SIGTERM");
  expect(machine.output()).toContain(
    `error: no healthy answer at http://${host}:${args.environment.PORT}/healthz within 1 s; stopping the app`,
  );
});

test("says so when the app ends before it is healthy", async () => {
  const cloud = { ...args.cloud, settings: { MAX_OLD_SPACE_MB: "none" } };
  const machine = await start({ cloud });
  expect(await machine.exited).toBe(9);
  expect(machine.output()).toContain("error: the app ended before it was healthy");
});

test("refuses an answer that is no instance id", async () => {
  identity.intercept("/instance-id", (response) => void response.end("<html>\nno id</html>"));
  const machine = await start();
  expect(await machine.exited).toBe(1);
  expect(machine.output()).toContain("error: the cloud's answer is no instance id: '<html>\nno id</html>'");
});

test.each([
  ["curl 7.81.0 (x86_64-pc-linux-gnu) libcurl/7.81.0", "curl 7.81.0 is too old, 7.88 or newer is needed"],
  ["something else", "curl does not tell its version"],
])("refuses a curl that says %j", async (version, error) => {
  const tools = join(home, "tools");
  await writeTool(tools, "curl", `#!/bin/sh\necho '${version}'\n`);
  const machine = await start({}, { PATH: `${tools}:${process.env.PATH}` });
  expect(await machine.exited).toBe(1);
  expect(machine.output()).toContain(
    `switchyard: error: ${error}; Ubuntu 24.04, Debian 12 and Amazon Linux 2023 have what is needed\n`,
  );
  expect(machine.output()).toContain("failed while checking tools");
});

test("keeps the secret address out of arguments and output", async () => {
  const tools = join(home, "tools");
  const record = join(home, "arguments");
  for (const tool of ["curl", "env", "tar"]) {
    await writeTool(
      tools,
      tool,
      `#!/bin/sh\necho ${tool} "$@" >>'${record}'\nPATH=\${PATH#*:} exec ${tool} "$@"\n`,
    );
  }
  const machine = await start({}, { PATH: `${tools}:${process.env.PATH}` });
  await untilOutput(machine, healthy);
  const seen = `${await readFile(record, "utf8")}\n${await readFile(`/proc/${machine.process.pid}/cmdline`, "utf8")}`;
  expect(seen).toContain("curl --disable");
  expect(seen).not.toContain(identity.secret);
  expect(machine.output()).not.toContain(identity.secret);
});

test("leaves the app without children", async () => {
  const machine = await start();
  await untilOutput(machine, healthy);
  const { pid } = machine.process;
  expect(await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).toBe("");
});
