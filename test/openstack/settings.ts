import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The services of a cloud; each has the name by which Keystone's catalog knows it. */
export const catalog = {
  keystone: { type: "identity", path: "/v3" },
  placement: { type: "placement", path: "" },
  glance: { type: "image", path: "" },
  neutron: { type: "network", path: "" },
  nova: { type: "compute", path: "/v2.1" },
  octavia: { type: "load-balancer", path: "" },
  swift: { type: "object-store", path: "/v1/AUTH_%(project_id)s" },
} as const;

export type ServiceName = keyof typeof catalog;

export const serviceNames = Object.keys(catalog) as readonly ServiceName[];

/** Services with a configuration file of these settings; Keystone and Swift have theirs in test/servers/openstack. */
export type ConfiguredService = Exclude<ServiceName, "keystone" | "swift">;

/** Nova's hosts, which are processes' threads, by the zone that each is in. */
export const hosts = { az1: "host1", az2: "host2" } as const;

export interface CloudPlace {
  /** Where databases, keys and logs are. */
  readonly folder: string;
  /** The virtual environment that the services are installed in. */
  readonly installed: string;
  /** Where each service listens, on the loopback address. */
  readonly ports: Readonly<Record<ServiceName, number>>;
  /** The network that Octavia's own machines are in, which are made up. */
  readonly lbNetwork: string;
}

type Section = Readonly<Record<string, string | number | boolean>>;
type Sections = Readonly<Record<string, Section>>;

export const urlOf = (port: number) => `http://127.0.0.1:${port}`;

/** How a service logs in to Keystone: as itself, in the project `service`. */
function login(name: ServiceName, { ports }: CloudPlace): Section {
  return {
    auth_type: "password",
    auth_url: `${urlOf(ports.keystone)}/v3`,
    username: name,
    password: `${name}-password`,
    project_name: "service",
    user_domain_id: "default",
    project_domain_id: "default",
    region_name: "RegionOne",
    valid_interfaces: "public",
  };
}

/** How a service checks the tokens of its callers. */
function callers(name: ServiceName, place: CloudPlace): Section {
  const { auth_url, region_name, valid_interfaces, ...who } = login(name, place);
  return {
    ...who,
    auth_url: auth_url ?? "",
    www_authenticate_uri: auth_url ?? "",
    interface: valid_interfaces ?? "",
    service_token_roles_required: true,
  };
}

/** SQLite makes writers wait for each other: 5 s at most by default, which is short on a busy machine. */
function database({ folder }: CloudPlace, name: string): Section {
  return { connection: `sqlite:///${join(folder, name)}.db?timeout=60`, sqlite_synchronous: false };
}

/** What each service is told, by its own words; whatever is not here is the service's default. */
const settings: Readonly<Record<ConfiguredService, (place: CloudPlace) => Sections>> = {
  placement: (place) => ({ placement_database: database(place, "placement") }),
  glance: (place) => ({
    DEFAULT: {
      enabled_backends: "files:file",
      enabled_import_methods: "[]",
      node_staging_uri: `file://${join(place.folder, "images/staging")}`,
    },
    os_glance_tasks_store: { filesystem_store_datadir: join(place.folder, "images/tasks") },
    os_glance_staging_store: { filesystem_store_datadir: join(place.folder, "images/staging") },
    glance_store: { default_backend: "files" },
    files: { filesystem_store_datadir: join(place.folder, "images") },
    database: database(place, "glance"),
    paste_deploy: {
      config_file: join(place.installed, "etc/glance/glance-api-paste.ini"),
      flavor: "keystone",
    },
  }),
  neutron: (place) => ({
    DEFAULT: {
      api_paste_config: join(place.installed, "etc/neutron/api-paste.ini"),
      rpc_workers: 0,
      rpc_state_report_workers: 0,
      state_path: place.folder,
      core_plugin: "ml2",
      service_plugins: "router",
      transport_url: "fake:///",
      notify_nova_on_port_status_changes: false,
      notify_nova_on_port_data_changes: false,
    },
    oslo_concurrency: { lock_path: join(place.folder, "locks") },
    database: database(place, "neutron"),
    ml2: {
      type_drivers: "local,flat",
      tenant_network_types: "local",
      mechanism_drivers: "nowhere",
      extension_drivers: "port_security",
    },
    ml2_type_flat: { flat_networks: "*" },
  }),
  nova: (place) => ({
    DEFAULT: {
      concurrency_backend: "threading",
      host: hosts.az1,
      my_ip: "127.0.0.1",
      transport_url: "fake:///",
      compute_driver: "fake.FakeDriver",
      state_path: place.folder,
      vif_plugging_is_fatal: false,
      vif_plugging_timeout: 0,
    },
    wsgi: { api_paste_config: join(place.installed, "etc/nova/api-paste.ini") },
    api_database: database(place, "nova_api"),
    database: database(place, "nova"),
    oslo_concurrency: { lock_path: join(place.folder, "locks") },
    vnc: { enabled: false },
    quota: { instances: -1, cores: -1, ram: -1 },
    placement: login("nova", place),
    neutron: login("nova", place),
    glance: login("nova", place),
    service_user: { ...login("nova", place), send_service_user_token: true },
  }),
  octavia: (place) => ({
    DEFAULT: { transport_url: "fake:///", host: "host1", executor_thread_pool_size: 1 },
    api_settings: {
      enabled_provider_drivers: "amphora:the load balancers of this test",
      default_provider_driver: "amphora",
      api_base_uri: urlOf(place.ports.octavia),
    },
    database: database(place, "octavia"),
    oslo_messaging: { topic: "octavia" },
    health_manager: { heartbeat_key: "test" },
    controller_worker: {
      amphora_driver: "amphora_noop_driver",
      compute_driver: "compute_noop_driver",
      network_driver: "allowed_address_pairs_driver",
      image_driver: "image_noop_driver",
      volume_driver: "volume_noop_driver",
      distributor_driver: "distributor_noop_driver",
      loadbalancer_topology: "SINGLE",
      amp_boot_network_list: place.lbNetwork,
      amp_flavor_id: 1,
      amp_image_tag: "amphora",
      client_ca: join(place.folder, "ca.pem"),
    },
    task_flow: { engine: "serial", jobboard_enabled: false },
    certificates: {
      ca_certificate: join(place.folder, "ca.pem"),
      ca_private_key: join(place.folder, "ca.key"),
    },
    service_auth: login("octavia", place),
    neutron: { region_name: "RegionOne", valid_interfaces: "public" },
  }),
};

/** What a service's configuration file is called; Glance looks for none but this. */
const fileOf = (name: ConfiguredService) => (name === "glance" ? "glance-api.conf" : `${name}.conf`);

/** Writes the configuration file of each service into the cloud's folder. */
export async function writeSettings(place: CloudPlace): Promise<void> {
  for (const name of Object.keys(settings) as ConfiguredService[]) {
    const { DEFAULT, ...sections } = settings[name](place);
    const all: Sections = {
      DEFAULT: { ...DEFAULT, log_file: join(place.folder, `${name}.log`) },
      ...sections,
      keystone_authtoken: callers(name, place),
    };
    await writeFile(join(place.folder, fileOf(name)), textOf(all));
  }
}

function textOf(sections: Sections): string {
  return Object.entries(sections)
    .flatMap(([name, section]) => [
      `[${name}]`,
      ...Object.entries(section).map(([key, value]) => `${key} = ${value}`),
      "",
    ])
    .join("\n");
}
