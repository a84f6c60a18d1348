import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scriptOf } from "../../providers/openstack/clones.ts";
import { startupFunctions } from "../../providers/openstack/startup.ts";
import { type OpenstackServer, startOpenstack } from "../servers/openstack.ts";
import { planStack } from "../support/plan.ts";
import { network } from "./machine.ts";
import { type OpenstackServices, ports } from "./openstack-services.ts";
import { bootSuite, useApp } from "./suite.ts";

const names = { files: "lab-files", releases: "lab-releases" };
const keystone = `http://${network.cloud}:${ports.keystone}/v3`;
const region = "RegionOne";
const temporaryUrlKey = "key-of-links";

/** What machines may ask of Swift, as the program deploys it. */
async function plannedRules(): Promise<object[]> {
  const { inputs } = (await planStack("openstack")).get("ApplicationCredential::switchyard-machines");
  const rules = JSON.stringify(inputs?.accessRules).replaceAll(
    /\$\{Container:switchyard-(files|releases)\.name\}/g,
    (_, part: keyof typeof names) => names[part],
  );
  return JSON.parse(rules);
}

/** Set while the machine is prepared. */
let openstack: OpenstackServer;
let credential: { readonly id: string; readonly secret: string };

/** Asks the test's Keystone, from out here. */
function ask(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${openstack.credentials.OS_AUTH_URL}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

interface Token {
  readonly token: { readonly user: { readonly id: string }; readonly project: { readonly id: string } };
}

/** Makes the machines' application credential with these limits, as the user of the test servers. */
async function makeCredential(rules: readonly object[]): Promise<typeof credential> {
  const { OS_USERNAME: name, OS_PASSWORD: password, OS_PROJECT_NAME } = openstack.credentials;
  const domain = { id: "default" };
  const identity = { methods: ["password"], password: { user: { name, password, domain } } };
  const scope = { project: { name: OS_PROJECT_NAME, domain } };
  const login = await ask("/auth/tokens", { auth: { identity, scope } });
  const { token } = (await login.json()) as Token;
  const made = await ask(
    `/users/${token.user.id}/application_credentials`,
    {
      application_credential: {
        name: "machines",
        roles: [{ name: "member" }],
        unrestricted: false,
        access_rules: rules,
      },
    },
    { "x-auth-token": login.headers.get("x-subject-token") ?? "" },
  );
  expect(made.status).toBe(201);
  return ((await made.json()) as { application_credential: typeof credential }).application_credential;
}

async function logInAsMachine() {
  const identity = { methods: ["application_credential"], application_credential: credential };
  const login = await ask("/auth/tokens", { auth: { identity } });
  const { token } = (await login.json()) as Token;
  const account = `${openstack.swift}/v1/AUTH_${token.project.id}`;
  return { token: login.headers.get("x-subject-token") ?? "", account };
}

/** Lets a socket of the file system lead to a port, which no other network reaches. */
async function bridge(path: string, url: string): Promise<Server> {
  const server = createServer((socket) => {
    const other = connect(Number(new URL(url).port), "127.0.0.1");
    socket.pipe(other).pipe(socket);
    socket.on("error", () => other.destroy());
    other.on("error", () => socket.destroy());
  });
  await once(server.listen(path), "listening");
  return server;
}

bootSuite(
  "OpenStack",
  async () => {
    const rules = await plannedRules();
    openstack = await startOpenstack({ endpoint: `http://${network.cloud}:${ports.swift}` });
    for (const name of Object.values(names)) await openstack.request("PUT", `/${name}`);
    const key = { "x-container-meta-temp-url-key": temporaryUrlKey };
    await openstack.request("POST", `/${names.files}`, key);
    credential = await makeCredential(rules);
    const folder = await mkdtemp(join(tmpdir(), "openstack-"));
    const sockets = {
      keystone: join(folder, "keystone"),
      swift: join(folder, "swift"),
    };
    const bridges = [
      await bridge(sockets.keystone, openstack.credentials.OS_AUTH_URL),
      await bridge(sockets.swift, openstack.swift),
    ];
    const place = { OS_AUTH_URL: keystone, OS_REGION_NAME: region };
    return {
      startup: {
        functions: startupFunctions("swift"),
        settings: { CONTAINER: names.releases, ...place },
        environment: {
          STORE: "swift",
          BUCKET: names.files,
          ...place,
          OS_APPLICATION_CREDENTIAL_ID: credential.id,
          OS_APPLICATION_CREDENTIAL_SECRET: credential.secret,
          SWIFT_TEMP_URL_KEY: temporaryUrlKey,
        },
      },
      instanceIds: ["5f7d2a3e-8d3b-4f51-9d0c-0d7b4c9b1a10", "0b5a6c1e-64f0-4c0d-a3f5-5a4f5e1f7c22"],
      cloneScript: scriptOf,
      secrets: () => [credential.secret, temporaryUrlKey],
      // A config drive, as Nova makes it: cloud-init reads a folder alike.
      seed: (uuid, userData) => ({
        "config_drive/openstack/latest/meta_data.json": JSON.stringify({
          uuid,
          name: "cluster1-0",
          hostname: "machine",
        }),
        "config_drive/openstack/latest/user_data": userData,
      }),
      files: async () => ({
        "/etc/cloud/cloud.cfg.d/95-openstack.cfg": "datasource_list: [ConfigDrive, None]\n",
      }),
      stop: async () => {
        for (const server of bridges) server.close();
        await openstack.stop();
        await rm(folder, { recursive: true });
      },
      services: (_, objects) => ({
        module: join(import.meta.dirname, "openstack-services.ts"),
        input: {
          sockets,
          objects,
          container: names.releases,
          login: { ...openstack.credentials, OS_AUTH_URL: keystone },
        } satisfies OpenstackServices,
        addresses: [],
        names: [],
      }),
      downloads: (events) =>
        events.flatMap(({ service, method, path, status }) => {
          const [, key] = new RegExp(`^/v1/[^/]+/${names.releases}/(.+)$`).exec(String(path)) ?? [];
          const given = service === "swift" && method === "GET" && status === 200;
          return given && key !== undefined ? [decodeURIComponent(key)] : [];
        }),
    };
  },
  (machine) => {
    const swift = () => machine().events.filter(({ service }) => service === "swift");

    test("cloud-init has its user data from the config drive, and what the app writes goes to the console", async () => {
      expect(await machine().cloudInit()).toContain("DataSourceConfigDrive");
      const output = await machine().run(
        "systemctl",
        "show",
        "--property=StandardOutput",
        "switchyard.service",
      );
      expect(output).toBe("StandardOutput=journal+console");
    });

    test("the access rules let the app do all that it offers", async () => {
      await useApp(machine(), []);
      expect(swift().filter(({ status }) => status === 401 || status === 403)).toEqual([]);
    });

    test("they let nobody write releases, or touch other containers", async () => {
      const { token, account } = await logInAsMachine();
      const answer = async (method: string, path: string) =>
        (await fetch(`${account}/${path}`, { method, headers: { "x-auth-token": token } })).status;
      expect(await answer("GET", names.files)).toBe(200);
      expect(await answer("PUT", `${names.releases}/releases/evil`)).toBe(401);
      expect(await answer("GET", names.releases)).toBe(401);
      expect(await answer("PUT", "another-container")).toBe(401);
    });
  },
);
