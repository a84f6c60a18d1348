import { execFile } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePorts } from "../support/ports.ts";
import {
  addUser,
  administrator,
  bin,
  type Call,
  callerOf,
  configuration,
  fill,
  installed,
  logIn,
  makeKeystone,
  quiet,
  startKeystone,
} from "./keystone.ts";
import { type Running, serverFolder, startAll, startServer } from "./process.ts";

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
  await makeKeystone(join(installed(), "template"));
}

/** Starts Keystone, and Swift with one server of each kind on a disk of its own, and makes a user with a container. */
export async function startOpenstack(options: OpenstackOptions = {}): Promise<OpenstackServer> {
  const { folder, undo, stop } = await serverFolder("openstack");
  const [keystonePort = 0, proxy = 0, ...storage] = await freePorts(5);
  try {
    const keystone = `http://127.0.0.1:${keystonePort}/v3`;
    const swift = `http://127.0.0.1:${proxy}`;
    undo.push((await startKeystoneOf(folder, keystonePort, keystone)).stop);
    const admin = await administrator(keystone);
    const credentials = await addProject(admin, keystone, options.endpoint ?? swift);
    const digests = options.digests ?? "sha1 sha256 sha512";
    const servers = await startSwift(folder, proxy, storage, {
      KEYSTONE: keystone,
      DIGESTS: digests,
      CACHE_SECONDS: String(options.tokenCacheSeconds ?? 300),
    });
    undo.push(servers.stop);
    const user = await openProject(keystone, swift, credentials);
    return { ...user, credentials, bucket, temporaryUrlKey, swift, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const bucket = "files-of-test";
const temporaryUrlKey = "temporary-url-key";

async function startKeystoneOf(parent: string, port: number, url: string): Promise<Running> {
  const folder = join(parent, "keystone");
  await cp(join(installed(), "template"), folder, { recursive: true });
  const database = new DatabaseSync(join(folder, "keystone.db"));
  database.prepare("update endpoint set url = ?").run(url);
  database.close();
  return startKeystone(folder, port);
}

/** Starts Swift's proxy, and one server of each kind on a disk of its own. */
export async function startSwift(
  parent: string,
  proxy: number,
  storage: readonly number[],
  values: Readonly<Record<string, string>>,
): Promise<Running> {
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
  return startAll([...servers, start("proxy", "proxy.conf", proxy)]);
}

/** Makes the user that Swift checks tokens by, and another with a project of its own; and says where Swift is. */
async function addProject(admin: Call, keystone: string, swift: string): Promise<OpenstackCredentials> {
  await addUser(admin, "swift", "service", ["admin", "service"]);
  await addUser(admin, "demo", "demo", ["member"]);
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
