import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import {
  addUser,
  administrator,
  bin,
  type Call,
  callerOf,
  installed,
  logIn,
  makeKeystone,
} from "../servers/keystone.ts";
import { placeOf, startCompute, startIdentity } from "./services.ts";
import {
  type CloudPlace,
  catalog,
  hosts,
  type ServiceName,
  serviceNames,
  urlOf,
  writeSettings,
} from "./settings.ts";

/** What is in a cloud from its beginning, by the ids that the template's databases have. */
export interface Made {
  readonly externalNetwork: string;
  readonly image: string;
  readonly lbNetwork: string;
}

export const templateFolder = () => join(installed(), "cloud");
export const madeFile = "made.json";

/** The flavors that OpenStack's own installers make: processors, memory in MiB, disk in GiB. */
const flavors = { "m1.small": [1, 2048, 20], "m1.medium": [2, 4096, 40], "m1.large": [4, 8192, 80] } as const;

/** Names of what every cloud has. */
export const names = { externalNetwork: "public", image: "Ubuntu 24.04" } as const;

/** Where addresses of the external network are: all of them are this machine's own, so that something can answer there. */
const externalRange = "127.77.0.0/24";

/** Makes what every cloud of the tests starts from: the services' databases, with users, an image, flavors and networks. */
export async function makeCloudTemplate(): Promise<void> {
  const folder = templateFolder();
  await makeKeystone(join(folder, "keystone"));
  const place = await placeOf(folder, randomUUID());
  await makeDatabases(place);
  await fillDatabases(place);
}

async function makeDatabases(place: CloudPlace): Promise<void> {
  const { folder } = place;
  await mkdir(join(folder, "images"), { recursive: true });
  // Nova takes a host whose databases it finds, but not this, for one that has lost its disk.
  await writeFile(join(folder, "compute_id"), randomUUID());
  await writeSettings(place);
  const script = join(import.meta.dirname, "template.sh");
  await promisify(execFile)(script, [bin(), import.meta.dirname, folder], { cwd: folder });
  for (const file of databases)
    withDatabase(join(folder, file), (database) => database.exec("pragma journal_mode=wal"));
}

export async function fillDatabases(place: CloudPlace): Promise<void> {
  const { folder, ports } = place;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    setEndpoints(place);
    undo.push((await startIdentity(place)).stop);
    const keystone = `${urlOf(ports.keystone)}/v3`;
    await addUsers(await administrator(keystone), ports);
    await startCompute(place, undo);
    const made = await addThings(keystone, ports);
    await writeFile(join(folder, madeFile), JSON.stringify(made));
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

/** Tells Keystone where each service that it knows is. */
export function setEndpoints({ folder, ports }: CloudPlace): void {
  withDatabase(join(folder, "keystone/keystone.db"), (database) => {
    const set = database.prepare(
      "update endpoint set url = ? where service_id in (select id from service where type = ?)",
    );
    for (const name of serviceNames)
      set.run(`${urlOf(ports[name])}${catalog[name].path}`, catalog[name].type);
  });
}

export const databases = ["placement", "glance", "neutron", "nova_api", "nova", "nova_cell0", "octavia"].map(
  (name) => `${name}.db`,
);

export function withDatabase<T>(file: string, use: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

async function addUsers(admin: Call, ports: Readonly<Record<ServiceName, number>>): Promise<void> {
  for (const name of serviceNames) {
    if (name === "keystone") continue;
    await addUser(admin, name, "service", ["admin", "service"]);
    const { type, path } = catalog[name];
    const { service } = await admin("POST", "/services", { service: { type, name } });
    for (const face of ["internal", "public", "admin"]) {
      const url = `${urlOf(ports[name])}${path}`;
      const endpoint = { service_id: service?.id, interface: face, region_id: "RegionOne", url };
      await admin("POST", "/endpoints", { endpoint });
    }
  }
  await addUser(admin, "demo", "demo", ["member", "load-balancer_member"]);
}

async function addThings(keystone: string, ports: Readonly<Record<ServiceName, number>>): Promise<Made> {
  const { id: token } = await logIn(keystone, "admin", "admin-password", "admin");
  const to = (name: ServiceName, by = token) => callerOf(`${urlOf(ports[name])}${catalog[name].path}`, by);
  const nova = to("nova");
  for (const [name, [vcpus, ram, disk]] of Object.entries(flavors))
    await nova("POST", "/flavors", { flavor: { name, vcpus, ram, disk } });
  for (const [zone, host] of Object.entries(hosts)) {
    const { aggregate } = await nova("POST", "/os-aggregates", {
      aggregate: { name: zone, availability_zone: zone },
    });
    await nova("POST", `/os-aggregates/${aggregate?.id}/action`, { add_host: { host } });
  }
  const image = await addImage(urlOf(ports.glance), token);
  const { network: external } = await to("neutron")("POST", "/v2.0/networks", {
    network: {
      name: names.externalNetwork,
      "router:external": true,
      "provider:network_type": "flat",
      "provider:physical_network": "outside",
    },
  });
  await to("neutron")("POST", "/v2.0/subnets", {
    subnet: { network_id: external?.id, ip_version: 4, cidr: externalRange, enable_dhcp: false },
  });
  const octavia = await logIn(keystone, "octavia", "octavia-password", "service");
  const own = to("neutron", octavia.id);
  const { network: lb } = await own("POST", "/v2.0/networks", { network: { name: "lb" } });
  await own("POST", "/v2.0/subnets", {
    subnet: { network_id: lb?.id, ip_version: 4, cidr: "192.168.255.0/24" },
  });
  return { externalNetwork: external?.id ?? "", image, lbNetwork: lb?.id ?? "" };
}

/** Makes an image of a few bytes, which boots nothing. */
async function addImage(glance: string, token: string): Promise<string> {
  const image = (await callerOf(glance, token)("POST", "/v2/images", {
    name: names.image,
    disk_format: "raw",
    container_format: "bare",
    visibility: "public",
  })) as unknown as { id: string };
  const answer = await fetch(`${glance}/v2/images/${image.id}/file`, {
    method: "PUT",
    headers: { "x-auth-token": token, "content-type": "application/octet-stream" },
    body: "an image",
  });
  if (!answer.ok) throw new Error(`Glance does not take an image: ${answer.status} ${await answer.text()}`);
  return image.id;
}
