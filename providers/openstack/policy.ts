import { itemsAt, looking, mustBePlain, mustHaveCompanion, valueAt } from "../../plan/policy/checks.ts";
import type { Breach, CloudPolicy } from "../../plan/policy/policy.ts";

const container = "openstack:objectstorage/container:Container";
const instance = "openstack:compute/instance:Instance";

/** Types that can have tags, of those that the program makes and some that users add; a test holds the first to the SDK. */
export const taggable: readonly string[] = [
  "openstack:loadbalancer/listener:Listener",
  "openstack:loadbalancer/loadBalancer:LoadBalancer",
  "openstack:networking/floatingIp:FloatingIp",
  "openstack:networking/network:Network",
  "openstack:networking/port:Port",
  "openstack:networking/router:Router",
  "openstack:networking/secGroup:SecGroup",
  "openstack:networking/subnet:Subnet",
];

/** Grants to everybody (https://docs.openstack.org/swift/latest/overview_acl.html): by referrer, and to each user of each project. */
function toEverybody(inputs: unknown): Breach[] {
  return ["containerRead", "containerWrite"].flatMap((property) => {
    const acl = valueAt(inputs, property);
    return typeof acl === "string" && /(^|,)\s*(\.r:|\*:\*)/.test(acl)
      ? [{ property, found: `is ${JSON.stringify(acl)}` }]
      : [];
  });
}

/** Tags are `key=value` texts. */
const tagged = (inputs: unknown): Breach[] =>
  itemsAt(inputs, "tags").some((tag) => String(tag).startsWith("project_name="))
    ? []
    : [{ property: "tags", found: "have no project_name" }];

/**
 * Whether an access rule is for all of a service: for one of the object store's, `/v1/ACCOUNT/CONTAINER/…`, for all
 * containers. Other services have no narrower names than those of their calls.
 */
function isWide(service: string, path: string): boolean {
  const named = service === "object-store" ? path.split("/").slice(3, 4).join("") : path;
  return named.replaceAll(/[*/]/g, "") === "";
}

function wideCredential(inputs: unknown): Breach[] {
  const rules = itemsAt(inputs, "accessRules");
  const paths = rules.flatMap((rule) => {
    const path = String(valueAt(rule, "path"));
    return isWide(String(valueAt(rule, "service")), path) ? [path] : [];
  });
  return [
    ...(valueAt(inputs, "unrestricted") === true
      ? [{ property: "unrestricted", found: "is true: it makes further credentials" }]
      : []),
    ...(rules.length === 0
      ? [{ property: "accessRules", found: "are not set: it may do whatever its roles may" }]
      : []),
    ...paths.map((path) => ({ property: "accessRules", found: `have ${path}` })),
    ...(itemsAt(inputs, "roles").includes("admin") ? [{ property: "roles", found: "have admin" }] : []),
  ];
}

/** What the rules mean on OpenStack. */
export const policy: CloudPolicy = {
  checks: {
    "bucket-private": { one: looking({ [container]: toEverybody }) },
    "data-encrypted":
      "Whether Swift and Cinder encrypt is their operator's choice, and nothing that a deployment can ask for.",
    "bucket-versioned":
      "Containers are made without versions, which not every Swift has: what is overwritten or deleted there is gone.",
    "metadata-guarded":
      "Machines have no identity of the cloud's that its metadata service could give away; what they log in with stands in their user data.",
    tagged: {
      one: looking({
        ...Object.fromEntries(taggable.map((type) => [type, tagged])),
        [instance]: (inputs) =>
          valueAt(inputs, "metadata.project_name") === undefined
            ? [{ property: "metadata", found: "have no project_name" }]
            : [],
      }),
    },
    "rights-narrow": {
      one: looking({
        "openstack:identity/applicationCredential:ApplicationCredential": wideCredential,
        "openstack:identity/ec2CredentialV3:Ec2CredentialV3": () => [
          { property: "projectId", found: "gives whatever who deploys may: such keys know no limits" },
        ],
      }),
    },
    "user-data-plain": { one: looking({ [instance]: (inputs) => mustBePlain(inputs, "userData") }) },
    "health-checked": {
      all: mustHaveCompanion({
        of: ["openstack:loadbalancer/pool:Pool"],
        type: "openstack:loadbalancer/monitor:Monitor",
        by: "poolId",
      }),
    },
  },
  exceptions: [
    {
      rule: "data-protected",
      urn: /::openstack:objectstorage\/container:Container::[^:]+-controller$/,
      reason:
        "the controller's document goes with a stack whose files may go, and stays with one whose files are protected (retainOnDelete), which policy packs do not see",
    },
    {
      rule: "user-data-plain",
      urn: /switchyard:index:Cluster\$openstack:compute\/instance:Instance::/,
      reason:
        "machines have no identity of the cloud's, so what they log in with, limited to the stack's containers, has no other way to them",
    },
  ],
};
