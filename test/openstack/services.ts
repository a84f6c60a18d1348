import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bin, configuration, installed, quiet, startKeystone } from "../servers/keystone.ts";

import { type Running, startAll, startServer } from "../servers/process.ts";
import { freePorts } from "../support/ports.ts";
import { type CloudPlace, catalog, hosts, type ServiceName, serviceNames, urlOf } from "./settings.ts";

/** Gives each service a free port. */
export async function placeOf(folder: string, lbNetwork: string): Promise<CloudPlace> {
  const free = await freePorts(serviceNames.length);
  const ports = Object.fromEntries(serviceNames.map((name, index) => [name, free[index]]));
  return { folder, installed: installed(), ports: ports as Record<ServiceName, number>, lbNetwork };
}

/** How each service is started: the script, what follows its port, and its environment. */
const programs = {
  placement: {
    script: join(configuration, "serve.py"),
    args: ["placement.wsgi.api"],
    env: (folder: string) => ({ OS_PLACEMENT_CONFIG_DIR: folder }),
  },
  glance: {
    script: join(configuration, "serve.py"),
    args: ["glance.wsgi.api"],
    env: (folder: string) => ({ OS_GLANCE_CONFIG_DIR: folder }),
  },
  neutron: {
    script: join(configuration, "serve.py"),
    args: ["neutron.wsgi.api"],
    env: (folder: string) => ({ OS_NEUTRON_CONFIG_DIR: folder, OS_NEUTRON_CONFIG_FILES: "neutron.conf" }),
  },
  nova: { script: join(import.meta.dirname, "run_nova.py"), args: Object.values(hosts), env: () => ({}) },
  octavia: { script: join(import.meta.dirname, "run_octavia.py"), args: [], env: () => ({}) },
} as const;

/** Nova reads a thousand files before it answers: 6 s on two idle processors, and minutes on busy ones. */
const startMs = 300_000;

/** Where Python finds what the scripts share, and Neutron the network that is nowhere. */
const modules = [configuration, join(import.meta.dirname, "ml2")].join(":");

/** Has a service heed the access rules of application credentials, in which it is called as in the catalog. */
const heeds = (name: ServiceName) => ({ OS_KEYSTONE_AUTHTOKEN__SERVICE_TYPE: catalog[name].type });

export async function startService(
  name: keyof typeof programs,
  { folder, ports }: CloudPlace,
): Promise<Running> {
  const { script, args, env } = programs[name];
  try {
    return await startServer({
      command: join(bin(), "python"),
      args: [script, String(ports[name]), ...args],
      env: { ...quiet, ...heeds(name), PYTHONPATH: modules, ...env(folder) },
      cwd: folder,
      url: urlOf(ports[name]),
      startMs,
    });
  } catch (error) {
    const log = await readFile(join(folder, `${name}.log`), "utf8").catch(() => "");
    throw new Error(`${(error as Error).message}\n${log.slice(-4_000)}`);
  }
}

/** Starts Keystone of a cloud, whose databases are in its folder. */
export async function startIdentity({ folder, ports }: CloudPlace): Promise<Running> {
  return startKeystone(join(folder, "keystone"), ports.keystone);
}

/** Starts the services of machines and their networks; Nova last, which calls the others from the beginning. */
export async function startCompute(place: CloudPlace, undo: (() => Promise<unknown>)[]): Promise<void> {
  const others = ["placement", "glance", "neutron"] as const;
  undo.push((await startAll(others.map((name) => startService(name, place)))).stop);
  undo.push((await startService("nova", place)).stop);
}
