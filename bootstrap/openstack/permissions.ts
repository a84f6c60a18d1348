import type { PermissionTable, TypePermissions } from "../permissions.ts";

/** A collection of a service: made by a POST to it, and read, changed and deleted by its members' path. */
function collection(
  service: string,
  path: string,
  more: Omit<TypePermissions, "source"> = {},
  { updates = "PUT" as "PUT" | "none", source = `https://docs.openstack.org/api-ref/${service}/` } = {},
): TypePermissions {
  const [all, one] = [`${service} /**/${path}`, `${service} /**/${path}/*`];
  return {
    source,
    create: [`POST ${all}`, ...(more.create ?? [])],
    // By its id, or looked for by its name.
    read: [`GET ${one}`, ...(more.read ?? [])],
    update: [...(updates === "none" ? [] : [`${updates} ${one}`]), ...(more.update ?? [])],
    delete: [`DELETE ${one}`, ...(more.delete ?? [])],
  };
}

/** A collection of Neutron's whose members have tags. */
const tagged = (path: string, more: Omit<TypePermissions, "source"> = {}) =>
  collection("network", path, {
    ...more,
    create: [`PUT network /**/${path}/*/tags`, ...(more.create ?? [])],
    update: [`PUT network /**/${path}/*/tags`, ...(more.update ?? [])],
    // Found by its name, where a deployment was killed before it recorded it.
    delete: [`GET network /**/${path}`],
  });

/** A part of a load balancer: each change waits until that has taken the last one, and Octavia asks for subnets in one's name. */
function balancing(path: string): TypePermissions {
  const waits = ["GET load-balancer /**/lbaas/loadbalancers/*"];
  return collection(
    "load-balancer",
    `lbaas/${path}`,
    {
      create: [...waits, "GET network /**/subnets/*"],
      update: waits,
      // Found by its name, where a deployment was killed before it recorded it.
      delete: [...waits, `GET load-balancer /**/lbaas/${path}`],
    },
    { source: "https://docs.openstack.org/api-ref/load-balancer/v2/" },
  );
}

const swift = "https://docs.openstack.org/api-ref/object-store/";

/** What stands for the names of the stack's containers, which `rulesFor` puts there. */
export const containers = { documents: "{documents}", files: "{files}", releases: "{releases}" } as const;

const onContainers = (methods: readonly string[], folders: readonly string[]) =>
  folders.flatMap((folder) => methods.map((method) => `${method} object-store /v1/*/${folder}`));

const all = Object.values(containers);
const allObjects = all.map((container) => `${container}/**`);

/**
 * What a principal asks of OpenStack's services to make, read, change and delete a resource of each type that the program uses,
 * as `METHOD service path`: access rules of application credentials. Identity is in none: who logs in by an application credential
 * makes no other.
 */
export const permissions: PermissionTable = {
  "openstack:compute/flavor:Flavor": collection(
    "compute",
    "flavors",
    { read: ["GET compute /**/flavors/*/os-extra_specs"] },
    { updates: "none" },
  ),
  "openstack:compute/instance:Instance": collection("compute", "servers", {
    create: [
      "GET compute /**/flavors",
      "GET compute /**/flavors/detail",
      "GET compute /**/servers/*/os-interface",
      "GET image /**/images",
    ],
    read: [
      "GET compute /**/flavors/*",
      "GET compute /**/servers/*/os-interface",
      "GET compute /**/servers/*/os-volume_attachments",
      "GET image /**/images/*",
      "GET network /**/networks",
      "GET network /**/networks/*",
      "GET network /**/ports",
      "GET network /**/ports/*",
    ],
    update: [
      "DELETE compute /**/servers/*/metadata/*",
      "POST compute /**/servers/*/action",
      "POST compute /**/servers/*/metadata",
    ],
    delete: ["POST compute /**/servers/*/action"],
  }),
  "openstack:compute/keypair:Keypair": collection("compute", "os-keypairs", {}, { updates: "none" }),
  "openstack:compute/serverGroup:ServerGroup": collection(
    "compute",
    "os-server-groups",
    { delete: ["GET compute /**/os-server-groups"] },
    { updates: "none" },
  ),
  "openstack:identity/applicationCredential:ApplicationCredential": {
    source:
      "An administrator's: bootstrap/ makes that of machines, and switchyard:openstack.credential names it; one that may make others can make one without limits.",
  },
  "openstack:identity/ec2CredentialV3:Ec2CredentialV3": {
    source:
      "An administrator's: it may do whatever its user may, so that of machines is made by hand and named by switchyard:openstack.s3.credential.",
  },
  "openstack:loadbalancer/l7PolicyV2:L7PolicyV2": balancing("l7policies"),
  "openstack:loadbalancer/l7RuleV2:L7RuleV2": balancing("l7policies/*/rules"),
  "openstack:loadbalancer/listener:Listener": balancing("listeners"),
  "openstack:loadbalancer/loadBalancer:LoadBalancer": balancing("loadbalancers"),
  "openstack:loadbalancer/member:Member": balancing("pools/*/members"),
  "openstack:loadbalancer/monitor:Monitor": balancing("healthmonitors"),
  "openstack:loadbalancer/pool:Pool": balancing("pools"),
  "openstack:networking/floatingIp:FloatingIp": tagged("floatingips", {
    create: ["GET network /**/networks"],
  }),
  "openstack:networking/network:Network": tagged("networks"),
  "openstack:networking/port:Port": tagged("ports"),
  "openstack:networking/router:Router": tagged("routers"),
  "openstack:networking/routerInterface:RouterInterface": {
    source: "https://docs.openstack.org/api-ref/network/",
    create: ["GET network /**/ports/*", "PUT network /**/routers/*/add_router_interface"],
    read: ["GET network /**/ports/*"],
    delete: ["GET network /**/ports/*", "PUT network /**/routers/*/remove_router_interface"],
  },
  "openstack:networking/secGroup:SecGroup": tagged("security-groups", {
    create: ["DELETE network /**/security-group-rules/*"],
  }),
  "openstack:networking/secGroupRule:SecGroupRule": collection(
    "network",
    "security-group-rules",
    {},
    { updates: "none" },
  ),
  "openstack:networking/subnet:Subnet": tagged("subnets"),
  "openstack:objectstorage/container:Container": {
    source: swift,
    // With what machines are given, whose credential is in whoever deploys' hands.
    create: [
      ...onContainers(["PUT"], all),
      ...onContainers(["DELETE", "GET", "HEAD", "POST", "PUT"], allObjects),
    ],
    read: onContainers(["GET", "HEAD"], all),
    update: onContainers(["POST"], all),
    // Emptied before it is deleted, where the stack says so.
    delete: [...onContainers(["DELETE"], [...all, ...allObjects]), ...onContainers(["GET"], all)],
  },
  "switchyard:index:AdminToken": { source: "It calls nothing: it is made on the machine that deploys." },
  "switchyard:index:Readiness": { source: "It asks the load balancer, as any client does." },
  "switchyard:index:StoredObject": {
    source: "service/storage/swift.ts of this repository",
    create: onContainers(["DELETE", "GET", "HEAD", "PUT"], [`${containers.releases}/**`]),
    read: onContainers(["HEAD"], [`${containers.releases}/**`]),
    update: onContainers(["DELETE", "GET", "HEAD", "PUT"], [`${containers.releases}/**`]),
    delete: onContainers(["DELETE"], [`${containers.releases}/**`]),
  },
  "switchyard:openstack:Clones": {
    source: "providers/openstack/clones.ts of this repository",
    delete: [
      "DELETE compute /**/servers/*",
      "DELETE image /**/images/*",
      "DELETE network /**/ports/*",
      "GET compute /**/servers/*",
      "GET compute /**/servers/detail",
      "GET image /**/images",
      "GET network /**/ports",
    ],
  },
  "switchyard:openstack:Contents": {
    source: "providers/openstack/contents.ts of this repository",
    delete: [
      ...onContainers(["GET"], [containers.files, containers.releases]),
      ...onContainers(["DELETE"], [`${containers.files}/**`, `${containers.releases}/**`]),
    ],
  },
  "switchyard:openstack:Layout": { source: "It calls nothing: it compares two configurations." },
  "switchyard:openstack:Sweep": {
    source: "service/compute/openstack/look.ts and perform.ts of this repository",
    delete: [
      "DELETE compute /**/servers/*",
      "DELETE load-balancer /**/lbaas/pools/*/members/*",
      "DELETE network /**/ports/*",
      "GET compute /**/servers/*/os-instance-actions",
      "GET compute /**/servers/detail",
      "GET load-balancer /**/lbaas/pools/*/members",
      "GET network /**/ports",
      "POST compute /**/servers/*/action",
      "PUT load-balancer /**/lbaas/pools/*/members/*",
      "PUT network /**/ports/*",
    ],
  },
  "switchyard:openstack:S3Bucket": {
    source:
      "It asks an S3 service, with an access key of the environment: Keystone's rules do not reach that.",
  },
};
