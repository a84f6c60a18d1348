import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { callRules } from "../../providers/openstack/identity.ts";
import type { Compute } from "../../service/compute/compute.ts";
import type { GroupTemplate, Template } from "../../service/compute/openstack/template.ts";
import { openOpenstackCompute } from "../../service/compute/openstack.ts";
import type { KeystoneSettings } from "../../service/storage/settings.ts";
import { type Answer, type Caller, type OpenstackCloud, startCloud } from "./cloud.ts";
import { names, withDatabase } from "./template.ts";

/** How long one thing may take on a machine with much other work, in milliseconds. */
const patienceMs = 480_000;

/** What a test asks of the cloud, beside what the controller does. */
export interface Deployment {
  readonly cloud: OpenstackCloud;
  readonly user: Caller;
  /** Of who deploys. */
  readonly login: KeystoneSettings;
  readonly template: Template;
  readonly group: GroupTemplate;
  /** The one machine of the cluster's own. */
  readonly own: string;
  servers(): Promise<Answer[]>;
  ports(): Promise<Answer[]>;
  members(pool: string): Promise<Answer[]>;
  /** Lets Octavia's health checks say the same of all members, or those of an address. */
  checks(status: "ONLINE" | "ERROR", address?: string): void;
  open(template?: Template, now?: () => number): Compute;
}

/** A network, a load balancer with two pools and a machine behind both, made as a deployment makes them. */
export async function makeDeployment(): Promise<Deployment> {
  const cloud = await startCloud();
  try {
    return await deployInto(cloud);
  } catch (error) {
    await cloud.stop();
    throw error;
  }
}

async function deployInto(cloud: OpenstackCloud): Promise<Deployment> {
  const user = await cloud.logIn(cloud.user);
  const post = async (path: string, what: string, body: object) =>
    (await user("neutron", "POST", `/v2.0/${path}`, { [what]: body }))[what];
  const octavia = async (path: string, what: string, body: object) => {
    await balanced();
    return (await user("octavia", "POST", `/v2.0/lbaas/${path}`, { [what]: body }))[what];
  };
  const network = await post("networks", "network", { name: "network" });
  const subnets = await Promise.all(
    ["10.9.1.0/24", "10.9.2.0/24"].map((cidr) =>
      post("subnets", "subnet", { network_id: network.id, ip_version: 4, cidr }),
    ),
  );
  const security = await post("security-groups", "security_group", { name: "app" });
  const { loadbalancer } = await user("octavia", "POST", "/v2.0/lbaas/loadbalancers", {
    loadbalancer: { name: "edge", vip_subnet_id: subnets[0].id },
  });
  async function balanced(): Promise<void> {
    const ask = () => user("octavia", "GET", `/v2.0/lbaas/loadbalancers/${loadbalancer.id}`);
    await until(async () => (await ask()).loadbalancer.provisioning_status === "ACTIVE");
  }
  const balancer = { loadbalancer_id: loadbalancer.id, protocol: "HTTP" };
  const pools: Answer[] = [];
  for (const name of ["all", "web"])
    pools.push(await octavia("pools", "pool", { name, ...balancer, lb_algorithm: "ROUND_ROBIN" }));
  const [all, web] = pools.map(({ id }) => id);
  await octavia("listeners", "listener", { ...balancer, protocol_port: 80, default_pool_id: all });
  const { server_group } = await user("nova", "POST", "/os-server-groups", {
    server_group: { name: "web-standard", policies: ["soft-anti-affinity"] },
  });
  const group: GroupTemplate = {
    id: server_group.id,
    name: "web-standard",
    cluster: "web",
    revision: "one",
    flavor: "m1.small",
    image: names.image,
    userData: "#!/bin/bash\nexit 0\n",
    places: [
      { subnet: subnets[0].id, zone: "az1" },
      { subnet: subnets[1].id, zone: "az2" },
    ],
    pools: [
      { pool: all, weight: 3 },
      { pool: web, weight: 1 },
    ],
    metadata: { owner: "me", project_name: "lab", cluster: "web", release: "a".repeat(64) },
  };
  const template: Template = {
    network: network.id,
    project: "lab",
    securityGroup: security.id,
    tags: ["owner=me", "project_name=lab"],
    port: 80,
    healthPath: "/healthz",
    drainSeconds: 0,
    bootSeconds: 600,
    controller: "controller",
    clusters: ["web"],
    pools: [all, web],
    groups: [group],
  };
  const servers = async () => (await user("nova", "GET", "/servers/detail")).servers;
  const own = await ownMachine(user, network.id, cloud.made.image);
  for (const pool of [all, web]) {
    const member = { address: own.address, protocol_port: 80, weight: 3 };
    await octavia(`pools/${pool}/members`, "member", member);
  }
  await balanced();
  const login = { ...cloud.user, OS_INTERFACE: "public" } as const;
  const controller = await credentialOf(cloud, user);
  return {
    cloud,
    user,
    login,
    template,
    group,
    own: own.id,
    servers,
    ports: async () => {
      const { ports } = await user("neutron", "GET", `/v2.0/ports?network_id=${network.id}`);
      return ports.filter(({ description }: Answer) => description.startsWith("Extra machine"));
    },
    members: async (pool) =>
      (await user("octavia", "GET", `/v2.0/lbaas/pools/${pool}/members`)).members.filter(
        ({ address }: Answer) => address !== own.address,
      ),
    checks: (status, address) =>
      withDatabase(join(cloud.folder, "octavia.db"), (database) => {
        database.exec("pragma busy_timeout = 60000");
        const where = address === undefined ? "" : ` where ip_address = '${address}'`;
        database.exec(`update member set operating_status = '${status}'${where}`);
      }),
    open: (changed = template, now = Date.now) =>
      openOpenstackCompute({
        login: controller,
        template: changed,
        self: "controller-1",
        images: [names.image, cloud.made.image],
        now,
        answers: async () => false,
      }),
  };
}

/** The controller's login, limited as the program's is to its calls; which the services check. */
async function credentialOf(cloud: OpenstackCloud, user: Caller): Promise<KeystoneSettings> {
  const { OS_AUTH_URL, OS_REGION_NAME, OS_USERNAME } = cloud.user;
  const admin = await cloud.logIn(cloud.administrator);
  const { users } = await admin("keystone", "GET", `/users?name=${OS_USERNAME}`);
  const path = `/users/${users[0].id}/application_credentials`;
  const { application_credential: made } = await user("keystone", "POST", path, {
    application_credential: {
      name: "controller",
      roles: ["load-balancer_member", "member", "reader"].map((name) => ({ name })),
      access_rules: callRules(),
    },
  });
  return {
    OS_AUTH_URL,
    OS_REGION_NAME,
    OS_INTERFACE: "public",
    OS_APPLICATION_CREDENTIAL_ID: made.id,
    OS_APPLICATION_CREDENTIAL_SECRET: made.secret,
  };
}

async function ownMachine(user: Caller, networkId: string, image: string) {
  const { port } = await user("neutron", "POST", "/v2.0/ports", { port: { network_id: networkId } });
  const { flavors } = await user("nova", "GET", "/flavors");
  const { server } = await user("nova", "POST", "/servers", {
    server: {
      name: "lab-web-0a1b2c3d-0",
      flavorRef: flavors.find(({ name }: Answer) => name === "m1.small").id,
      imageRef: image,
      networks: [{ port: port.id }],
      metadata: { project_name: "lab", cluster: "web" },
    },
  });
  const ask = () => user("nova", "GET", `/servers/${server.id}`);
  await until(async () => (await ask()).server.status === "ACTIVE");
  return { id: server.id as string, address: port.fixed_ips[0].ip_address as string };
}

/** Asks again until something is so. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`it is not so after ${patienceMs} ms: ${isSo}`);
    await sleep(100);
  }
}

/** Lets controllers work, each beside the others, until something is so. */
export async function tendUntil(
  computes: readonly Compute[],
  isSo: () => Promise<boolean>,
): Promise<string[]> {
  const done: string[] = [];
  await until(async () => {
    const { signal } = new AbortController();
    const rounds = await Promise.all(computes.map((compute) => compute.tend?.(signal)));
    done.push(...rounds.flatMap((round) => round?.done ?? []));
    return isSo();
  });
  return done;
}
