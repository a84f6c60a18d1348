import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { logIn } from "../servers/keystone.ts";
import { type OpenstackCredentials, startSwift } from "../servers/openstack.ts";
import { type Running, serverFolder } from "../servers/process.ts";
import { freePorts } from "../support/ports.ts";
import { placeOf, startCompute, startIdentity, startService } from "./services.ts";
import { type CloudPlace, catalog, type ServiceName, urlOf, writeSettings } from "./settings.ts";
import { type Made, madeFile, setEndpoints, templateFolder, withDatabase } from "./template.ts";

/** What a service answers, of whatever shape. */
// biome-ignore lint/suspicious/noExplicitAny: what a service answers is for the caller to know
export type Answer = any;

/** Somebody who has logged in: `call("nova", "POST", "/servers", {…})`; the path begins below the catalog's URL. */
export type Caller = (service: ServiceName, method: string, path: string, body?: object) => Promise<Answer>;

export interface OpenstackCloud extends Running {
  readonly folder: string;
  readonly made: Made;
  /** A user who has a project, and no more. */
  readonly user: OpenstackCredentials;
  readonly administrator: OpenstackCredentials;
  logIn(who: OpenstackCredentials): Promise<Caller>;
}

/**
 * Starts an OpenStack on the loopback address, with databases of its own: all services are real. What there is not are
 * guests, packets and load balancers' machines.
 */
export async function startCloud(): Promise<OpenstackCloud> {
  const { folder, undo, stop } = await serverFolder("openstack-cloud");
  try {
    await cp(templateFolder(), folder, { recursive: true });
    const made: Made = JSON.parse(await readFile(join(folder, madeFile), "utf8"));
    const place = await placeOf(folder, made.lbNetwork);
    move(place);
    await writeSettings(place);
    undo.push((await startIdentity(place)).stop);
    await startCompute(place, undo);
    undo.push((await startService("octavia", place)).stop);
    undo.push((await startObjects(place)).stop);
    const keystone = `${urlOf(place.ports.keystone)}/v3`;
    const credentials = (name: string): OpenstackCredentials => ({
      OS_AUTH_URL: keystone,
      OS_USERNAME: name,
      OS_PASSWORD: `${name}-password`,
      OS_PROJECT_NAME: name,
      OS_REGION_NAME: "RegionOne",
    });
    return {
      folder,
      made,
      user: credentials("demo"),
      administrator: credentials("admin"),
      logIn: (who) => callerFor(who, place),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Tells databases that were copied where they, and their services, are now. */
function move(place: CloudPlace): void {
  setEndpoints(place);
  const { folder } = place;
  const paths = { nova_api: ["cell_mappings", "database_connection"], glance: ["image_locations", "value"] };
  for (const [name, [table, column]] of Object.entries(paths))
    withDatabase(join(folder, `${name}.db`), (database) => {
      database
        .prepare(`update ${table} set ${column} = replace(${column}, ?, ?)`)
        .run(templateFolder(), folder);
    });
}

async function startObjects({ folder, ports }: CloudPlace): Promise<Running> {
  return startSwift(folder, ports.swift, await freePorts(3), {
    KEYSTONE: `${urlOf(ports.keystone)}/v3`,
    DIGESTS: "sha1 sha256 sha512",
    CACHE_SECONDS: "300",
  });
}

async function callerFor(who: OpenstackCredentials, { ports }: CloudPlace): Promise<Caller> {
  const { id, project } = await logIn(who.OS_AUTH_URL, who.OS_USERNAME, who.OS_PASSWORD, who.OS_PROJECT_NAME);
  return async (service, method, path, body) => {
    const below = catalog[service].path.replace("%(project_id)s", project.id);
    const answer = await fetch(`${urlOf(ports[service])}${below}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        "x-auth-token": id,
        // The first of Nova's versions that knows soft policies.
        "openstack-api-version": "compute 2.15",
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${service} answers ${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  };
}
