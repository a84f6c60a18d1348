import type { Operation, PermissionTable, TypePermissions } from "../permissions.ts";

type Wanted = Partial<Record<Operation, readonly string[]>>;

/** Changing what is behind a network's firewall or routes is changing the network's policy. */
const ofNetwork = "compute.networks.updatePolicy";

/** What Compute Engine says of who starts a long operation: that it is looked at. */
const operations = ["compute.globalOperations.get", "compute.regionOperations.get"];

/**
 * A collection of Compute Engine's: its own permissions to create, get, update and delete, and more. Each method's page names
 * what it needs.
 */
function compute(collection: string, { create = [], update = [], ...more }: Wanted = {}): TypePermissions {
  const own = (verb: string) => `compute.${collection}.${verb}`;
  return {
    source: `https://cloud.google.com/compute/docs/reference/rest/v1/${collection}`,
    create: [own("create"), ...operations, ...create],
    read: [own("get")],
    update: [...operations, ...update],
    delete: [own("delete"), ...operations, ...(more.delete ?? [])],
  };
}

/** One that can be updated as it is. */
function updatable(collection: string, more: Wanted = {}): TypePermissions {
  return compute(collection, { ...more, update: [`compute.${collection}.update`, ...(more.update ?? [])] });
}

const administrators =
  "An administrator's: bootstrap/ makes accounts, roles and grants, and switchyard:identities names them; whoever may make both can have any right of the project.";

/** What launching machines by a group asks of who makes, or changes, the group. */
const launching = [
  "compute.disks.create",
  "compute.disks.setLabels",
  "compute.healthChecks.useReadOnly",
  "compute.images.useReadOnly",
  "compute.instanceTemplates.useReadOnly",
  "compute.instances.create",
  "compute.instances.setLabels",
  "compute.instances.setMetadata",
  "compute.instances.setServiceAccount",
  "compute.instances.setTags",
  "compute.subnetworks.use",
  "compute.subnetworks.useExternalIp",
];

/** What the controller is given besides, and nothing else needs: whoever deploys can do no less. */
const ofController = [
  "compute.images.get",
  "compute.machineTypes.list",
  "compute.networks.list",
  "compute.regions.get",
];

/** What a load balancer's parts ask of those that they name. */
const servedBy = ["compute.sslCertificates.get", "compute.sslPolicies.use", "compute.urlMaps.use"];
const certificateMap = ["certificatemanager.certmaps.get", "certificatemanager.certmaps.use"];
const backends = ["compute.healthChecks.useReadOnly", "compute.instanceGroups.use"];

/**
 * What a principal needs to make, read, change and delete a resource of each type that the program uses, as Google's
 * references of its methods say; which methods the provider calls, was seen where it was deployed to a stand-in of Google's
 * APIs.
 */
export const permissions: PermissionTable = {
  "gcp:billing/budget:Budget": {
    source:
      "https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets; they are a billing account's, which no role of a project reaches.",
  },
  "gcp:compute/backendService:BackendService": updatable("backendServices", {
    create: [...backends, "compute.backendServices.setSecurityPolicy", "compute.securityPolicies.use"],
    update: [...backends, "compute.backendServices.setSecurityPolicy", "compute.securityPolicies.use"],
  }),
  "gcp:compute/firewall:Firewall": updatable("firewalls", {
    create: [ofNetwork],
    update: [ofNetwork],
    delete: [ofNetwork],
  }),
  "gcp:compute/globalAddress:GlobalAddress": compute("globalAddresses", {
    create: ["compute.globalAddresses.setLabels"],
    update: ["compute.globalAddresses.setLabels"],
  }),
  "gcp:compute/globalForwardingRule:GlobalForwardingRule": compute("globalForwardingRules", {
    create: [
      "compute.globalAddresses.use",
      "compute.globalForwardingRules.setLabels",
      "compute.targetHttpProxies.use",
      "compute.targetHttpsProxies.use",
    ],
    update: [
      "compute.globalForwardingRules.setLabels",
      "compute.globalForwardingRules.setTarget",
      "compute.targetHttpProxies.use",
      "compute.targetHttpsProxies.use",
    ],
  }),
  "gcp:compute/healthCheck:HealthCheck": updatable("healthChecks"),
  "gcp:compute/instanceTemplate:InstanceTemplate": compute("instanceTemplates"),
  "gcp:compute/network:Network": updatable("networks"),
  "gcp:compute/regionAutoscaler:RegionAutoscaler": {
    ...updatable("autoscalers", {
      create: ["compute.instanceGroupManagers.use"],
      update: ["compute.instanceGroupManagers.use"],
    }),
    source: "https://cloud.google.com/compute/docs/reference/rest/v1/regionAutoscalers",
  },
  "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager": {
    ...updatable("instanceGroupManagers", {
      create: [...launching, ...ofController],
      update: launching,
      delete: ["compute.instanceGroups.delete"],
    }),
    source: "https://cloud.google.com/compute/docs/reference/rest/v1/regionInstanceGroupManagers",
  },
  "gcp:compute/router:Router": updatable("routers", {
    create: [ofNetwork],
    update: [ofNetwork],
    delete: [ofNetwork],
  }),
  "gcp:compute/routerNat:RouterNat": {
    source:
      "https://cloud.google.com/compute/docs/reference/rest/v1/routers; a router has its gateways in it.",
    create: ["compute.routers.get", "compute.routers.update", ofNetwork, ...operations],
    read: ["compute.routers.get"],
    update: ["compute.routers.get", "compute.routers.update", ofNetwork, ...operations],
    delete: ["compute.routers.get", "compute.routers.update", ofNetwork, ...operations],
  },
  "gcp:compute/sSLPolicy:SSLPolicy": updatable("sslPolicies"),
  "gcp:compute/securityPolicy:SecurityPolicy": updatable("securityPolicies", {
    create: ["compute.securityPolicies.setLabels"],
    update: ["compute.securityPolicies.setLabels"],
  }),
  "gcp:compute/subnetwork:Subnetwork": updatable("subnetworks", {
    create: [ofNetwork],
    update: [
      "compute.subnetworks.expandIpCidrRange",
      "compute.subnetworks.setPrivateIpGoogleAccess",
      ofNetwork,
    ],
    delete: [ofNetwork],
  }),
  "gcp:compute/targetHttpProxy:TargetHttpProxy": compute("targetHttpProxies", {
    create: ["compute.urlMaps.use"],
    update: ["compute.targetHttpProxies.setUrlMap", "compute.urlMaps.use"],
  }),
  "gcp:compute/targetHttpsProxy:TargetHttpsProxy": compute("targetHttpsProxies", {
    create: [...servedBy, ...certificateMap],
    update: [
      ...servedBy,
      ...certificateMap,
      "compute.targetHttpsProxies.setCertificateMap",
      "compute.targetHttpsProxies.setSslCertificates",
      "compute.targetHttpsProxies.setSslPolicy",
      "compute.targetHttpsProxies.setUrlMap",
    ],
  }),
  "gcp:compute/uRLMap:URLMap": updatable("urlMaps", {
    create: ["compute.backendServices.use"],
    update: ["compute.backendServices.use"],
  }),
  "gcp:monitoring/notificationChannel:NotificationChannel": {
    source: "https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.notificationChannels",
    create: ["monitoring.notificationChannels.create"],
    read: ["monitoring.notificationChannels.get"],
    update: ["monitoring.notificationChannels.update"],
    delete: ["monitoring.notificationChannels.delete"],
  },
  "gcp:projects/iAMCustomRole:IAMCustomRole": { source: administrators },
  "gcp:projects/iAMMember:IAMMember": { source: administrators },
  "gcp:projects/service:Service": {
    source: "https://cloud.google.com/service-usage/docs/reference/rest/v1/services",
    create: ["resourcemanager.projects.get", "serviceusage.services.enable"],
    read: ["resourcemanager.projects.get", "serviceusage.services.get", "serviceusage.services.list"],
  },
  "gcp:serviceaccount/account:Account": { source: administrators },
  "gcp:serviceaccount/iAMMember:IAMMember": { source: administrators },
  "gcp:storage/bucket:Bucket": {
    source: "https://cloud.google.com/storage/docs/access-control/iam-json",
    create: ["storage.buckets.create"],
    // The provider looks up whose project it is, by the number that the bucket has of it.
    read: ["compute.projects.get", "storage.buckets.get"],
    update: ["storage.buckets.update"],
    // Emptied before it is deleted, where the stack says so.
    delete: ["storage.buckets.delete", "storage.objects.delete", "storage.objects.list"],
  },
  "gcp:storage/bucketIAMMember:BucketIAMMember": {
    source: "https://cloud.google.com/storage/docs/access-control/iam-json",
    create: ["storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"],
    read: ["storage.buckets.getIamPolicy"],
    delete: ["storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"],
  },
  "switchyard:gcp:Clones": {
    source: "providers/gcp/clones.ts of this repository",
    delete: [
      "compute.globalOperations.get",
      "compute.instances.delete",
      "compute.instances.list",
      "compute.snapshots.delete",
      "compute.snapshots.list",
      "compute.zoneOperations.get",
    ],
  },
  "switchyard:gcp:Layout": { source: "It calls nothing: it compares two configurations." },
  "switchyard:gcp:StableGroup": {
    source: "providers/gcp/stable-group.ts of this repository",
    create: ["compute.instanceGroupManagers.get"],
    update: ["compute.instanceGroupManagers.get"],
  },
  "switchyard:index:AdminToken": { source: "It calls nothing: it is made on the machine that deploys." },
  "switchyard:index:Readiness": { source: "It asks the load balancer, as any client does." },
  "switchyard:index:StoredObject": {
    source: "service/storage/gcs.ts of this repository",
    create: [
      "storage.objects.create",
      "storage.objects.delete",
      "storage.objects.get",
      "storage.objects.list",
    ],
    read: ["storage.objects.get", "storage.objects.list"],
    update: ["storage.objects.create", "storage.objects.delete", "storage.objects.get"],
    delete: ["storage.objects.delete"],
  },
};
