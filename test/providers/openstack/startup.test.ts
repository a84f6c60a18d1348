import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { objectsOf } from "../../../providers/openstack/files.ts";
import { startupFunctions } from "../../../providers/openstack/startup.ts";
import { renderStartup, type StartupArgs } from "../../../release/startup.ts";
import { isInstalled, serverPackages } from "../../servers/cache.ts";
import { type OpenstackServer, startOpenstack } from "../../servers/openstack.ts";
import {
  type Archive,
  appEnvironment,
  installed,
  releaseArchive,
  runtimeArchive,
  startMachine,
  writeTool,
} from "../../support/startup.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const functions = startupFunctions("swift");
const machineId = "5f7d2a3e-8d3b-4f51-9d0c-0d7b4c9b1a10";

let runtime: Archive;
let release: Archive;

beforeAll(async () => {
  runtime = await runtimeArchive();
  release = await releaseArchive();
});

interface Place {
  readonly container: string;
  readonly authUrl: string;
  readonly region: string;
  readonly id: string;
  readonly secret: string;
}

/** What a machine on OpenStack renders its script from; it ends where it would start the app. */
function startupArgs({ container, authUrl, region, id, secret }: Place): StartupArgs {
  const keystone = { OS_AUTH_URL: authUrl, OS_REGION_NAME: region };
  const credential = { OS_APPLICATION_CREDENTIAL_ID: id, OS_APPLICATION_CREDENTIAL_SECRET: secret };
  return {
    release: { key: release.key, sha256: release.hash },
    runtime: { key: runtime.key, sha512: runtime.hash },
    environment: appEnvironment,
    timeoutSeconds: 20,
    cloud: {
      functions: `${functions}\nsupervise() { log "would run $*"; }\n`,
      settings: { CONTAINER: container, ...keystone },
      environment: { STORE: "swift", BUCKET: "files", ...keystone, ...credential },
    },
  };
}

const nowhere = {
  container: "c",
  authUrl: "http://127.0.0.1:1/v3",
  region: "RegionOne",
  id: "a",
  secret: "b",
};

test.skipIf(!installed("shellcheck"))("the script satisfies shellcheck, and leaves room for settings", () => {
  const script = renderStartup(startupArgs(nowhere));
  expect(execFileSync("shellcheck", ["-"], { input: script, encoding: "utf8" })).toBe("");
  expect(Buffer.byteLength(script)).toBeLessThan(14_500);
});

test("keys are encoded as a path wants them", () => {
  const encode = (key: string) =>
    execFileSync("bash", ["-euc", `${functions}\npercent_encode "$1"`, "bash", key], { encoding: "utf8" });
  expect(encode("releases/0a_-.~Z")).toBe("releases/0a_-.~Z");
  expect(encode(`a b%25"é€`)).toBe("a%20b%2525%22%C3%A9%E2%82%AC");
});

describe.skipIf(!isInstalled(serverPackages.swift))("with Keystone and Swift", () => {
  const container = "releases-of-test";
  let openstack: OpenstackServer;
  let place: Place;
  let metadata: Server;
  let home: string;
  let env: Record<string, string>;
  let described: string;

  beforeAll(async () => {
    openstack = await startOpenstack();
    const { credentials, application } = openstack;
    await openstack.request("PUT", `/${container}`);
    place = {
      container,
      authUrl: credentials.OS_AUTH_URL,
      region: credentials.OS_REGION_NAME,
      id: application.OS_APPLICATION_CREDENTIAL_ID,
      secret: application.OS_APPLICATION_CREDENTIAL_SECRET,
    };
    await store(runtime, release);
  });
  afterAll(() => openstack.stop());

  beforeEach(async () => {
    described = JSON.stringify({ uuid: machineId, name: "cluster1-0" });
    metadata = createServer((request, response) => {
      if (request.url === "/openstack/latest/meta_data.json") response.end(described);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => metadata.listen(0, "127.0.0.1", resolve));
    home = await mkdtemp(join(tmpdir(), "home-"));
    env = {
      SWITCHYARD_HOME: home,
      SWITCHYARD_CLOUD_INIT: join(home, "cloud"),
      SWITCHYARD_METADATA_URL: `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`,
    };
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await new Promise((resolve) => metadata.close(resolve));
    await rm(home, { recursive: true });
  });

  /** Stores archives as a deployment does, with the login of the environment. */
  async function store(...archives: readonly Archive[]): Promise<void> {
    for (const [name, value] of Object.entries(openstack.credentials)) vi.stubEnv(name, value);
    const access = { authUrl: place.authUrl, region: place.region };
    const objects = await objectsOf({ bucket: container, access, stack: "dev" });
    const folder = await mkdtemp(join(tmpdir(), "objects-"));
    const signal = AbortSignal.timeout(30_000);
    for (const { key, bytes, hash } of archives) {
      const file = join(folder, "object");
      await writeFile(file, bytes);
      await objects.put(key, file, `sha:${hash}`, signal);
      expect(await objects.has(key, `sha:${hash}`, signal)).toBe(true);
    }
    await objects.close();
    await rm(folder, { recursive: true });
    vi.unstubAllEnvs();
  }

  async function run(changes: Partial<Place> = {}, args: Partial<StartupArgs> = {}, more = env) {
    const script = renderStartup({ ...startupArgs({ ...place, ...changes }), ...args });
    const machine = await startMachine(script, more);
    return { code: await machine.exited, output: machine.output() };
  }

  const started = expect.stringMatching(/would run .*\/bin\/node .*\/server\.js\n$/);

  test("identifies the machine by the metadata service, and fetches runtime and release", async () => {
    const { code, output } = await run();
    expect({ code, output }).toEqual({ code: 0, output: started });
    expect(output).toContain(`identified the machine as ${machineId}`);
    expect(output).toMatch(/fetched runtime in .+fetched release in /s);
    expect((await run()).output).toMatch(/found runtime in .+found release in /s);
  });

  test("identifies the machine by what cloud-init knows of it, where there is that", async () => {
    const other = "00000000-8d3b-4f51-9d0c-0d7b4c9b1a10";
    await mkdir(join(home, "cloud/data"), { recursive: true });
    await writeFile(join(home, "cloud/data/instance-id"), `${other}\n`);
    const { code, output } = await run();
    expect({ code, output }).toEqual({ code: 0, output: started });
    expect(output).toContain(`identified the machine as ${other}`);
  });

  test("fetches what Swift keeps in segments, as one", async () => {
    const folder = await mkdtemp(join(tmpdir(), "large-"));
    await writeFile(
      join(folder, "noise"),
      Buffer.from(Array.from({ length: 3 << 20 }, () => Math.random() * 256)),
    );
    await writeFile(join(folder, "server.js"), "");
    const bytes = execFileSync("tar", ["-czf", "-", "-C", folder, "noise", "server.js"], {
      maxBuffer: 1 << 24,
    });
    await rm(folder, { recursive: true });
    const hash = execFileSync("sha256sum", { input: bytes, encoding: "utf8" }).slice(0, 64);
    const key = "releases/large.tar.gz";
    await store({ key, bytes, hash });
    const { headers } = await openstack.request("HEAD", `/${container}/${key}`);
    expect(headers.get("x-static-large-object")).toBe("True");
    expect(await run({}, { release: { key, sha256: hash } })).toEqual({ code: 0, output: started });
  });

  test.each([
    [
      "a wrong secret",
      { secret: 'another"\\secret' },
      /Keystone answered 401 to the application credential \w+: has it/,
    ],
    [
      "a credential that is gone",
      { id: "0".repeat(32) },
      /Keystone answered 404 to the application credential 0{32}: has it/,
    ],
    [
      "a region without Swift",
      { region: "RegionThree" },
      /Keystone's catalog has no public object-store in region RegionThree/,
    ],
    [
      "a container that is not there",
      { container: "other" },
      /Swift answered 404 for runtimes\/node\.tgz in container other/,
    ],
    ["a Keystone that is not there", { authUrl: nowhere.authUrl }, /curl: \(7\)/],
  ])("says so with %s, and gives up", async (_, wrong, problem) => {
    const { code, output } = await run(wrong);
    expect(code).toBe(1);
    expect(output).toMatch(problem);
    expect(output).toContain("fetching runtime failed 10 times, at last with exit status");
  });

  test("refuses an object with another hash", async () => {
    const { code, output } = await run({}, { release: { key: runtime.key, sha256: release.hash } });
    expect(code).toBe(1);
    expect(output).toContain(`wrong hash of ${runtime.key}: expected ${release.hash}, got `);
  });

  test("says so when the metadata service tells no id", async () => {
    described = "{}";
    const { code, output } = await run();
    expect(code).toBe(1);
    expect(output).toContain("error: the metadata service answers without an id\n");
  });

  test("keeps the secret and tokens out of arguments, environment and output", async () => {
    const [tools, record] = [join(home, "tools"), join(home, "arguments")];
    for (const tool of ["curl", "head", "python3", "tar"]) {
      const script = `#!/bin/sh\necho ${tool} "$@" >>'${record}'\nenv >>'${record}'\nPATH=\${PATH#*:} exec ${tool} "$@"\n`;
      await writeTool(tools, tool, script);
    }
    const { code, output } = await run({}, {}, { ...env, PATH: `${tools}:${process.env.PATH}` });
    expect({ code, output }).toEqual({ code: 0, output: started });
    const seen = (await readFile(record, "utf8")) + output;
    expect(seen).toContain("curl --disable");
    expect(seen).not.toContain(place.secret);
    expect(seen).not.toMatch(/gAAAAA/); // how Keystone's tokens begin
  });
});
