import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePorts } from "../support/ports.ts";
import { folderOf, serverPackages } from "./cache.ts";
import { type Running, serverFolder, startServer } from "./process.ts";

const configuration = join(import.meta.dirname, "openstack");

/** A user's access to a project, by the environment variables of the OpenStack clients. */
export type OpenstackCredentials = Readonly<
  Record<`OS_${"AUTH_URL" | "USERNAME" | "PASSWORD" | "PROJECT_NAME" | "REGION_NAME"}`, string>
>;

export interface OpenstackServer extends Running {
  readonly credentials: OpenstackCredentials;
  /** An application credential of the same user. */
  readonly application: Readonly<
    Record<"OS_APPLICATION_CREDENTIAL_ID" | "OS_APPLICATION_CREDENTIAL_SECRET", string>
  >;
  readonly bucket: string;
  readonly temporaryUrlKey: string;
  /** Where Swift's proxy listens. */
  readonly swift: string;
  /** Requests something of Swift as the user, behind the store's back; `path` begins below the account. */
  request(method: string, path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Makes Keystone refuse a token that it has given, and waits until Swift does. */
  revoke(token: string): Promise<void>;
}

export interface OpenstackOptions {
  /** Hashes that Swift takes for TempURL. Default: `sha1 sha256 sha512`, as its own. */
  readonly digests?: string;
  /** Where the catalog says that Swift is. Default: where it is. */
  readonly endpoint?: string;
  /** Seconds for which Swift takes a token without asking Keystone again, which takes 0.4 s; -1: it always asks. Default 300. */
  readonly tokenCacheSeconds?: number;
}

/** Makes what a Keystone starts from, once, when it is installed. */
export async function makeTemplate(): Promise<void> {
  const folder = join(folderOf(serverPackages.swift), "template");
  await mkdir(folder, { recursive: true });
  await fill("keystone.conf", join(folder, "keystone.conf"), { FOLDER: folder });
  const script = join(configuration, "template.sh");
  await promisify(execFile)(script, [join(folderOf(serverPackages.swift), "bin")], { cwd: folder });
}

/** Writes one of the configuration files, with its `@NAME@`s replaced. */
async function fill(name: string, file: string, values: Readonly<Record<string, string | number>>) {
  const text = await readFile(join(configuration, name), "utf8");
  await writeFile(
    file,
    text.replace(/@([A-Z_]+)@/g, (_, key) => String(values[key])),
  );
}

/** Starts Keystone, and Swift with one server of each kind on a disk of its own, and makes a user with a container. */
export async function startOpenstack(options: OpenstackOptions = {}): Promise<OpenstackServer> {
  const { folder, undo, stop } = await serverFolder("openstack");
  const [keystonePort = 0, proxy = 0, ...storage] = await freePorts(5);
  try {
    const keystone = `http://127.0.0.1:${keystonePort}/v3`;
    const swift = `http://127.0.0.1:${proxy}`;
    undo.push((await startKeystone(folder, keystonePort, keystone)).stop);
    const admin = await administrator(keystone);
    const credentials = await addProject(admin, keystone, options.endpoint ?? swift);
    const digests = options.digests ?? "sha1 sha256 sha512";
    const servers = await startSwift(folder, proxy, storage, {
      KEYSTONE: keystone,
      DIGESTS: digests,
      CACHE_SECONDS: String(options.tokenCacheSeconds ?? 300),
    });
    for (const server of servers) if (server.status === "fulfilled") undo.push(server.value.stop);
    const failed = servers.find((server) => server.status === "rejected");
    if (failed) throw failed.reason;
    const user = await openProject(keystone, swift, credentials);
    return { ...user, credentials, bucket, temporaryUrlKey, swift, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const bucket = "files-of-test";
const temporaryUrlKey = "temporary-url-key";
const bin = () => join(folderOf(serverPackages.swift), "bin");
const quiet = { PYTHONWARNINGS: "ignore" };

async function startKeystone(parent: string, port: number, url: string): Promise<Running> {
  const folder = join(parent, "keystone");
  await cp(join(folderOf(serverPackages.swift), "template"), folder, { recursive: true });
  await fill("keystone.conf", join(folder, "keystone.conf"), { FOLDER: folder });
  const database = new DatabaseSync(join(folder, "keystone.db"));
  database.prepare("update endpoint set url = ?").run(url);
  database.close();
  return startServer({
    command: join(bin(), "python"),
    args: [join(configuration, "serve_keystone.py"), String(port)],
    env: quiet,
    cwd: folder,
    url,
  });
}

async function startSwift(
  parent: string,
  proxy: number,
  storage: readonly number[],
  values: Readonly<Record<string, string>>,
): Promise<PromiseSettledResult<Running>[]> {
  const folder = join(parent, "swift");
  await mkdir(join(folder, "devices/d1"), { recursive: true });
  await mkdir(join(folder, "cache"));
  await fill("swift.conf", join(folder, "swift.conf"), {});
  const start = async (kind: string, file: string, port: number) => {
    const config = join(folder, `${kind}.conf`);
    await fill(file, config, {
      ...values,
      PORT: port,
      KIND: kind,
      FOLDER: folder,
      USER: userInfo().username,
    });
    return startServer({
      command: join(bin(), `swift-${kind}-server`),
      args: [config],
      env: { ...quiet, SWIFT_DIR: folder },
      cwd: folder,
      url: `http://127.0.0.1:${port}/healthcheck`,
    });
  };
  const kinds = ["account", "container", "object"];
  const rings = [join(configuration, "make_rings.py"), ...storage.map(String)];
  await promisify(execFile)(join(bin(), "python"), rings, { cwd: folder });
  const servers = kinds.map((kind, index) => start(kind, "server.conf", storage[index] ?? 0));
  return Promise.allSettled([...servers, start("proxy", "proxy.conf", proxy)]);
}

type Call = (method: string, path: string, body?: object) => Promise<Record<string, { id: string }>>;

async function logIn(keystone: string, name: string, password: string, project: string) {
  const domain = { id: "default" };
  const identity = { methods: ["password"], password: { user: { name, password, domain } } };
  const answer = await fetch(`${keystone}/auth/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ auth: { identity, scope: { project: { name: project, domain } } } }),
  });
  const { token } = (await answer.json()) as { token: { user: { id: string }; project: { id: string } } };
  return { id: answer.headers.get("x-subject-token") ?? "", ...token };
}

function callerOf(keystone: string, token: string): Call {
  return async (method, path, body) => {
    const answer = await fetch(`${keystone}${path}`, {
      method,
      headers: { "content-type": "application/json", "x-auth-token": token },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Keystone answers ${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  };
}

async function administrator(keystone: string): Promise<Call> {
  const { id } = await logIn(keystone, "admin", "admin-password", "admin");
  return callerOf(keystone, id);
}

/** Makes the user that Swift checks tokens by, and another with a project of its own; and says where Swift is. */
async function addProject(admin: Call, keystone: string, swift: string): Promise<OpenstackCredentials> {
  const { roles } = (await admin("GET", "/roles")) as unknown as { roles: { id: string; name: string }[] };
  const roleId = (name: string) => roles.find((role) => role.name === name)?.id;
  const add = async (user: string, password: string, project: string, names: readonly string[]) => {
    const made = await admin("POST", "/projects", { project: { name: project, domain_id: "default" } });
    const owner = await admin("POST", "/users", { user: { name: user, password, domain_id: "default" } });
    for (const name of names) {
      await admin("PUT", `/projects/${made.project?.id}/users/${owner.user?.id}/roles/${roleId(name)}`);
    }
  };
  await add("swift", "swift-password", "service", ["admin", "service"]);
  await add("demo", "demo-password", "demo", ["member"]);
  const { service } = await admin("POST", "/services", { service: { type: "object-store", name: "swift" } });
  // Elsewhere there is nothing: who takes the wrong endpoint fails.
  await admin("POST", "/regions", { region: { id: "RegionTwo" } });
  for (const region of ["RegionTwo", "RegionOne"]) {
    for (const face of ["internal", "public", "admin"]) {
      const right = region === "RegionOne" && face !== "admin";
      const url = `${right ? swift : "http://127.0.0.1:1"}/v1/AUTH_%(project_id)s`;
      const endpoint = { service_id: service?.id, interface: face, region_id: region, url };
      await admin("POST", "/endpoints", { endpoint });
    }
  }
  return {
    OS_AUTH_URL: keystone,
    OS_USERNAME: "demo",
    OS_PASSWORD: "demo-password",
    OS_PROJECT_NAME: "demo",
    OS_REGION_NAME: "RegionOne",
  };
}

/** Makes the container, sets the key, and does what only the user can. */
async function openProject(
  keystone: string,
  swift: string,
  { OS_USERNAME, OS_PASSWORD }: OpenstackCredentials,
) {
  const signIn = () => logIn(keystone, OS_USERNAME, OS_PASSWORD, "demo");
  const { id, user, project } = await signIn();
  let token = id;
  const request = async (method: string, path: string, headers: Readonly<Record<string, string>> = {}) => {
    const url = `${swift}/v1/AUTH_${project.id}${path}`;
    const answer = await fetch(url, { method, headers: { ...headers, "x-auth-token": token } });
    if (answer.status !== 401) return answer;
    token = (await signIn()).id;
    return fetch(url, { method, headers: { ...headers, "x-auth-token": token } });
  };
  const credential = { name: "files", roles: [{ name: "member" }] };
  const { application_credential } = (await callerOf(keystone, token)(
    "POST",
    `/users/${user.id}/application_credentials`,
    { application_credential: credential },
  )) as unknown as { application_credential: { id: string; secret: string } };
  await request("POST", "", { "x-account-meta-temp-url-key": temporaryUrlKey });
  await request("PUT", `/${bucket}`);
  return {
    request,
    revoke: async (revoked: string) => {
      const { id } = await logIn(keystone, "admin", "admin-password", "admin");
      const headers = { "x-auth-token": id, "x-subject-token": revoked };
      const answer = await fetch(`${keystone}/auth/tokens`, { method: "DELETE", headers });
      if (!answer.ok) throw new Error(`Keystone does not revoke a token: ${answer.status}`);
      const account = `${swift}/v1/AUTH_${project.id}`;
      while ((await fetch(account, { headers: { "x-auth-token": revoked } })).status !== 401)
        await sleep(100);
    },
    application: {
      OS_APPLICATION_CREDENTIAL_ID: application_credential.id,
      OS_APPLICATION_CREDENTIAL_SECRET: application_credential.secret,
    },
  };
}
