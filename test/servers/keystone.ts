import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { folderOf, serverPackages } from "./cache.ts";
import { type Running, startServer } from "./process.ts";

/** The folder of configuration files and scripts of Keystone and Swift. */
export const configuration = join(import.meta.dirname, "openstack");

/** The virtual environment of OpenStack's services. */
export const installed = () => folderOf(serverPackages.swift);
export const bin = () => join(installed(), "bin");
export const quiet = { PYTHONWARNINGS: "ignore" };

/** Makes what a Keystone starts from, in a folder: its database, with an administrator and roles, and its keys. */
export async function makeKeystone(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await fill("keystone.conf", join(folder, "keystone.conf"), { FOLDER: folder });
  await promisify(execFile)(join(configuration, "template.sh"), [bin()], { cwd: folder });
}

/** Writes one of the configuration files, with its `@NAME@`s replaced. */
export async function fill(name: string, file: string, values: Readonly<Record<string, string | number>>) {
  const text = await readFile(join(configuration, name), "utf8");
  await writeFile(
    file,
    text.replace(/@([A-Z_]+)@/g, (_, key) => String(values[key])),
  );
}

/** Starts Keystone on what `makeKeystone` made, or a copy of it. */
export async function startKeystone(folder: string, port: number): Promise<Running> {
  await fill("keystone.conf", join(folder, "keystone.conf"), { FOLDER: folder });
  return startServer({
    command: join(bin(), "python"),
    args: [join(configuration, "serve.py"), String(port), "keystone.wsgi.api"],
    env: { ...quiet, OS_KEYSTONE_CONFIG_DIR: folder, OS_KEYSTONE_CONFIG_FILES: "keystone.conf" },
    cwd: folder,
    url: `http://127.0.0.1:${port}/v3`,
  });
}

export type Call = (method: string, path: string, body?: object) => Promise<Record<string, { id: string }>>;

/** Logs in to Keystone, and returns a token with the ids of its user and project. */
export async function logIn(keystone: string, name: string, password: string, project: string) {
  const domain = { id: "default" };
  const identity = { methods: ["password"], password: { user: { name, password, domain } } };
  const answer = await fetch(`${keystone}/auth/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ auth: { identity, scope: { project: { name: project, domain } } } }),
  });
  if (!answer.ok)
    throw new Error(`Keystone does not log in ${name}: ${answer.status} ${await answer.text()}`);
  const { token } = (await answer.json()) as { token: { user: { id: string }; project: { id: string } } };
  return { id: answer.headers.get("x-subject-token") ?? "", ...token };
}

/** What calls the service at a URL. */
export function callerOf(url: string, token: string): Call {
  return async (method, path, body) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { "content-type": "application/json", "x-auth-token": token },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${url} answers ${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  };
}

export async function administrator(keystone: string): Promise<Call> {
  const { id } = await logIn(keystone, "admin", "admin-password", "admin");
  return callerOf(keystone, id);
}

/** Makes a user with a project, which may be there already, and roles in it. */
export async function addUser(admin: Call, user: string, project: string, roles: readonly string[]) {
  const known = (await admin("GET", "/roles")) as unknown as { roles: { id: string; name: string }[] };
  const owned = (await admin("GET", `/projects?name=${project}`)) as unknown as {
    projects: { id: string }[];
  };
  const projectId =
    owned.projects[0]?.id ??
    (await admin("POST", "/projects", { project: { name: project, domain_id: "default" } })).project?.id;
  const password = `${user}-password`;
  const made = await admin("POST", "/users", { user: { name: user, password, domain_id: "default" } });
  for (const role of roles) {
    const id =
      known.roles.find(({ name }) => name === role)?.id ??
      (await admin("POST", "/roles", { role: { name: role } })).role?.id;
    await admin("PUT", `/projects/${projectId}/users/${made.user?.id}/roles/${id}`);
  }
}
