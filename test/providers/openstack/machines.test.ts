import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { filesOf } from "../../../providers/openstack/files.ts";
import { healthOf, openMachines } from "../../../providers/openstack/machines.ts";
import { deployedStack } from "../../support/outputs.ts";

const release = "a".repeat(64);

/** A server that answers as Keystone, Nova and Octavia do, as much of them as is asked. */
let server: Server;
let address: string;
/** Logins, and which tokens are refused. */
let logins: { identity: { methods: string[] } }[];
let refused: Set<string>;
/** What is on the console; what Octavia calls itself in the catalog; what Nova answers instead. */
let written: string;
let octavia: string;
let status: number;
let requests: string[];
/** The headers of a container and an account, by what is asked. */
let linkKeys: Record<string, Record<string, string>>;

const stackOf = () =>
  deployedStack("lab", {
    bucketName: "lab-files",
    clusters: {
      web: { size: 2, machineType: "m1.small", group: "group-web", weight: 1 },
      other: { size: 1, machineType: "m1.small", group: "group-other", weight: 1 },
    },
    operator: { authUrl: `${address}/v3`, region: "RegionOne", project: "project-1", loadBalancer: "edge-1" },
  });

const groups: Record<string, string[]> = {
  "group-web": ["web-b", "web-a", "gone"],
  "group-other": ["other-c"],
};

function serverOf(id: string, hour: number, addr: string | undefined, more: object = {}) {
  return {
    id,
    name: `lab-${id}`,
    status: "ACTIVE",
    "OS-EXT-STS:task_state": null,
    created: `2026-01-01T0${hour}:00:00Z`,
    addresses: addr === undefined ? {} : { network: [{ addr, version: 4, "OS-EXT-IPS:type": "fixed" }] },
    metadata: { project_name: "lab", release },
    ...more,
  };
}

const pages: Record<string, object> = {
  "": {
    servers: [serverOf("web-b", 2, "10.0.1.3"), serverOf("foreign", 0, "10.9.0.3")],
    servers_links: [{ rel: "next", href: "http://elsewhere.example/servers/detail?marker=foreign" }],
  },
  "?marker=foreign": {
    servers: [
      serverOf("web-a", 1, undefined, { status: "BUILD" }),
      serverOf("other-c", 3, "10.0.1.4", { "OS-EXT-STS:task_state": "deleting" }),
    ],
  },
};

const pool = (...members: object[]) => ({ id: "pool", members });
const tree = {
  statuses: {
    loadbalancer: {
      listeners: [
        { pools: [pool({ address: "10.0.1.3", protocol_port: 80, operating_status: "ONLINE" })] },
        {
          pools: [
            pool({ address: "10.0.1.3", protocol_port: 80, operating_status: "ONLINE" }),
            { id: "empty" },
          ],
        },
      ],
    },
  },
};

/** What the services answer, by what follows the catalog's URLs. */
function answer(asked: string): object | undefined {
  const [, group = ""] = /^GET \/compute\/v2\.1\/os-server-groups\/([\w-]+)$/.exec(asked) ?? [];
  if (groups[group]) return { server_group: { id: group, members: groups[group] } };
  const [, query] = /^GET \/compute\/v2\.1\/servers\/detail(.*)$/.exec(asked) ?? [];
  if (query !== undefined) return pages[query];
  if (asked === "GET /load/v2.0/lbaas/loadbalancers/edge-1/status") return tree;
  if (asked === 'POST /compute/v2.1/servers/web-b/action {"os-getConsoleOutput":{}}')
    return { output: written };
  return undefined;
}

async function logIn(request: IncomingMessage) {
  logins.push(JSON.parse(await text(request)).auth);
  const now = Date.now();
  const endpoint = (type: string, url: string) => ({
    type,
    endpoints: [{ interface: "public", region_id: "RegionOne", url: address + url }],
  });
  return {
    token: {
      issued_at: new Date(now).toISOString(),
      expires_at: new Date(now + 3_600_000).toISOString(),
      catalog: [
        endpoint("compute", "/compute/v2.1"),
        endpoint("load-balancer", octavia),
        endpoint("object-store", "/swift"),
      ],
    },
  };
}

beforeEach(async () => {
  [logins, refused, requests] = [[], new Set(), []];
  linkKeys = {};
  [written, octavia, status] = ["booted\n", "/load", 200];
  server = createServer(async (request, response) => {
    const say = (code: number, body: object, headers = {}) =>
      response.writeHead(code, headers).end(JSON.stringify(body));
    if (request.url === "/v3/auth/tokens") {
      const body = await logIn(request);
      return say(201, body, { "x-subject-token": `token-${logins.length}` });
    }
    const asked = `${request.method} ${request.url} ${await text(request)}`.trim();
    requests.push(asked);
    const token = String(request.headers["x-auth-token"]);
    if (!token.startsWith("token-") || refused.has(token)) return say(401, {});
    if (status !== 200)
      return say(status, { forbidden: { message: "Policy doesn't allow it", code: status } });
    if (linkKeys[asked]) return response.writeHead(204, linkKeys[asked]).end();
    const body = answer(asked);
    return body ? say(200, body) : say(404, { itemNotFound: { message: `no ${asked}`, code: 404 } });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const name of Object.keys(process.env).filter((name) => name.startsWith("OS_")))
    vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries({
    USERNAME: "ada",
    PASSWORD: "secret",
    PROJECT_ID: "project-1",
  }))
    vi.stubEnv(`OS_${name}`, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  server.closeAllConnections();
  await once(server.close(), "close");
});

const { signal } = new AbortController();

test.each(["/load", "/load/v2.0", "/load/v2"])(
  "lists every machine of the stack's groups, by cluster and age, where the catalog has Octavia at %s",
  async (url) => {
    octavia = url;
    expect(await openMachines(stackOf()).list()).toEqual([
      {
        cluster: "other",
        id: "other-c",
        address: "10.0.1.4",
        health: "draining",
        release,
        launchedAt: new Date("2026-01-01T03:00:00Z"),
      },
      {
        cluster: "web",
        id: "web-a",
        address: "",
        health: "starting",
        release,
        launchedAt: new Date("2026-01-01T01:00:00Z"),
      },
      {
        cluster: "web",
        id: "web-b",
        address: "10.0.1.3",
        health: "healthy",
        release,
        launchedAt: new Date("2026-01-01T02:00:00Z"),
      },
    ]);
    expect(logins).toHaveLength(1);
  },
);

test("shows what a machine wrote to its console, and says how to get a shell", async () => {
  const said = vi.spyOn(console, "error").mockReturnValue();
  const log = await Array.fromAsync(openMachines(stackOf()).logs("web-b", { follow: false, signal }));
  expect(log.join("")).toBe("booted\n");
  expect(said.mock.calls).toEqual([
    [
      "For a shell on it, from where its network is reached: ssh 10.0.1.3; for its console: openstack console url show --os-region-name RegionOne web-b",
    ],
  ]);
});

test("follows a console until it is aborted", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  const stop = new AbortController();
  const log = openMachines(stackOf())
    .logs("web-b", { follow: true, signal: stop.signal })
    [Symbol.asyncIterator]();
  expect(await log.next()).toEqual({ done: false, value: "booted\n" });
  stop.abort();
  expect(await log.next()).toEqual({ done: true, value: undefined });
});

test("names the machines that there are when asked for another", async () => {
  const logs = openMachines(stackOf()).logs("foreign", { follow: false, signal });
  await expect(Array.fromAsync(logs)).rejects.toThrow(
    "there is no machine foreign in stack lab; there are: other-c, web-a, web-b",
  );
});

test("takes a new token when the one it has is refused", async () => {
  refused.add("token-1");
  expect(await openMachines(stackOf()).list()).toHaveLength(3);
  expect(logins).toHaveLength(2);
});

test("says what Nova says when it refuses, and in which project the stack is when nothing is found", async () => {
  status = 403;
  await expect(openMachines(stackOf()).list()).rejects.toThrow(
    /^Nova answers GET \/servers\/detail: 403 .*Policy doesn't allow it/,
  );
  status = 200;
  const stack = stackOf();
  const { web, other = web } = stack.outputs.clusters;
  const moved = { ...stack, outputs: { ...stack.outputs, clusters: { other: { ...other, group: "none" } } } };
  await expect(openMachines(moved as typeof stack).list()).rejects.toThrow(
    /404 .*\nThe stack is in project project-1: log in to that one\.$/,
  );
});

test("says so when the catalog knows no such service", async () => {
  const stack = stackOf();
  const elsewhere = {
    ...stack,
    outputs: { ...stack.outputs, operator: { ...stack.outputs.operator, region: "Two" } },
  };
  await expect(openMachines(elsewhere).list()).rejects.toThrow(
    `${address}/v3: the catalog has no public endpoint of type compute in region Two`,
  );
});

test.each([
  ["ACTIVE", null, ["ONLINE", "ONLINE"], "healthy"],
  ["ACTIVE", null, ["ONLINE", "ERROR"], "unhealthy"],
  ["ACTIVE", null, ["OFFLINE"], "starting"],
  ["ACTIVE", null, ["DRAINING"], "draining"],
  ["ACTIVE", null, [], "active"],
  ["ACTIVE", "deleting", ["ONLINE"], "draining"],
  ["BUILD", "spawning", [], "starting"],
  ["ERROR", null, [], "unhealthy"],
  ["SHUTOFF", null, ["ERROR"], "unhealthy"],
  ["SHUTOFF", null, [], "shutoff"],
])("%s, %s and members %j are %s", (status, task, members, health) => {
  expect(healthOf({ status, "OS-EXT-STS:task_state": task }, members)).toBe(health);
});

const password = {
  STORE: "swift",
  BUCKET: "lab-files",
  OS_REGION_NAME: "RegionOne",
  OS_INTERFACE: "public",
  OS_USERNAME: "ada",
  OS_PASSWORD: "secret",
};

test("finds the bucket of a stack, with the environment's login", async () => {
  vi.stubEnv("SWIFT_TEMP_URL_KEY", "key");
  vi.stubEnv("OS_AUTH_URL", "http://elsewhere.example");
  const where = { OS_AUTH_URL: `${address}/v3`, OS_PROJECT_ID: "project-1", SWIFT_TEMP_URL_KEY: "key" };
  expect(await filesOf(stackOf())).toEqual({ ...password, ...where });
});

test("finds the key that signs links at the container, or else at the account", async () => {
  const header = (kind: string) => ({ [`x-${kind}-meta-temp-url-key`]: `key of the ${kind}` });
  linkKeys = { "HEAD /swift/lab-files": {}, "HEAD /swift": header("account") };
  expect(await filesOf(stackOf())).toMatchObject({ SWIFT_TEMP_URL_KEY: "key of the account" });
  linkKeys["HEAD /swift/lab-files"] = header("container");
  expect(await filesOf(stackOf())).toMatchObject({ SWIFT_TEMP_URL_KEY: "key of the container" });
});

test("takes the login of a cloud of clouds.yaml and secure.yaml, and nothing else of the environment's", async () => {
  const folder = await mkdtemp(join(tmpdir(), "clouds-"));
  const [open, secure] = [join(folder, "clouds.yaml"), join(folder, "secure.yaml")];
  await writeFile(
    open,
    "clouds:\n  lab:\n    interface: internal\n    auth:\n      auth_url: http://x\n      application_credential_id: id\n  bare:\n    auth:\n      username: eve\n",
  );
  await writeFile(secure, "clouds:\n  lab:\n    auth:\n      application_credential_secret: hidden\n");
  vi.stubEnv("OS_CLIENT_CONFIG_FILE", open);
  vi.stubEnv("OS_CLIENT_SECURE_FILE", secure);
  vi.stubEnv("OS_CLOUD", "lab");
  expect(await filesOf(stackOf())).toEqual({
    STORE: "swift",
    BUCKET: "lab-files",
    OS_AUTH_URL: `${address}/v3`,
    OS_REGION_NAME: "RegionOne",
    OS_INTERFACE: "internal",
    OS_APPLICATION_CREDENTIAL_ID: "id",
    OS_APPLICATION_CREDENTIAL_SECRET: "hidden",
  });
  vi.stubEnv("OS_CLOUD", "bare");
  await expect(filesOf(stackOf())).rejects.toThrow(
    `No login at ${address}/v3: the cloud bare of clouds.yaml must have it under auth.\nOS_PROJECT_NAME is not set`,
  );
  vi.stubEnv("OS_CLOUD", "other");
  await expect(filesOf(stackOf())).rejects.toThrow(
    'OS_CLOUD is "other", and no clouds.yaml has such a cloud',
  );
  await rm(folder, { recursive: true });
});

test("asks for a login where there is none", async () => {
  vi.stubEnv("OS_USERNAME", "");
  await expect(openMachines(stackOf()).list()).rejects.toThrow(
    /^No login at .+: source the cloud's openrc file, or name a cloud of clouds\.yaml by OS_CLOUD\.\nOS_USERNAME is not set$/,
  );
});
